// SPDX-License-Identifier: GPL-2.0-or-later
//! `livekit-studio doctor`: what works on this machine, and what mends the rest.

use crate::failure::Failure;
use crate::output::Output;
use serde_json::json;

/// Tells what was found.
pub(crate) fn command(output: Output) -> Result<(), Failure> {
    let diagnosis = livekit_studio::diagnose();
    output.result(&json!(diagnosis), &diagnosis.to_string())
}
