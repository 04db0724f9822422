// SPDX-License-Identifier: GPL-2.0-or-later
//! What is needed of V4L2, the kernel's interface to cameras: `raw` has the structures and the calls, `buffers` the
//! memory that is shared with the kernel while pictures flow.

pub(crate) mod buffers;
pub(crate) mod raw;
