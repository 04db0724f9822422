// SPDX-License-Identifier: GPL-2.0-or-later
//! The virtual camera of Windows: a DirectShow source filter. Programs that list cameras find it in the registry and
//! load it; it shows what is shared under the name that its settings say, and a standby picture while nobody writes.
//!
//! `exports` is what COM calls, `register` what the registry says; a `Filter` has one `Pin`, on which a thread
//! (`stream`) delivers pictures while the graph runs. Nothing that goes wrong here may harm the program that loads it:
//! no panic leaves, and no call waits for a writer.
#![cfg(windows)]

mod exports;
mod filter;
mod lists;
mod media_type;
mod pin;
mod register;
mod state;
mod stream;

use windows_core::GUID;

/// The filter's class; `lk-io` registers the same.
const CLASS: GUID = GUID::from_u128(0x4c4b5643_616d_4c69_7665_4b6974564331);
