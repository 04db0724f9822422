# SPDX-License-Identifier: GPL-2.0-or-later
# Every target sets up what it needs first (tools/setup.sh; nothing to do is well under a second).
MAKEFLAGS += --no-print-directory
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo test test-portable lint wheel wheel-portable sdist deb bench verify windows test-windows docs docs-pictures fmt clean setup

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

demo: setup ## composite a photo, two clips, a NumPy animation and their sound into demo.mp4, with a contact sheet
	@tools/demo.sh

test: setup ## all tests: the Rust workspace, then Python against the built wheel
	@tools/test.sh

lint: setup ## all checks: format, crate edges, licences, clippy, stubs, types
	@tools/lint.sh

wheel: setup ## the Python wheel for this machine's FFmpeg, into dist/
	@tools/wheel.sh build

wheel-portable: setup ## a wheel with its own FFmpeg, for any Linux (x86-64), into dist/portable/ (built on Debian 12)
	@tools/portable/wheel.sh

test-portable: setup ## the portable wheel in chroots with nothing but Python, and beside its neighbours
	@tests/portable/run.sh

sdist: setup ## the source archive, into dist/
	@.venv/bin/maturin sdist --manifest-path crates/lk-python/Cargo.toml --out dist

deb: setup ## a Debian package for this release's FFmpeg and Python, into dist/
	@tools/deb.sh

bench: setup ## the standard scenes, one BENCH line each (SCENES="s1 s3" FRAMES=300)
	@tools/bench.sh

verify: setup ## all tests and the long proofs (hours)
	@LK_VERIFY=1 tools/test.sh

docs: setup ## the documentation as a static site, into build/site
	@tools/docs.sh build

docs-pictures: setup ## the pictures of the documentation, made by its own lines
	@tools/docs.sh pictures

windows: setup ## the Python wheel for Windows x64, cross-built, into dist/windows/ (docs/windows.md)
	@tools/windows/build.sh

test-windows: windows ## install that wheel in a Windows Python under Wine and test it
	@tools/windows/test.sh

fmt: setup ## format Rust and Python in place
	@tools/fmt.sh

clean: ## remove everything built (keeps .venv and the demo's media)
	@rm -rf target dist build/lint build/pytest build/test-logs demo.mp4 demo.png

setup: ## install what is missing: says what and where first
	@tools/setup.sh
