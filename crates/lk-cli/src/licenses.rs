// SPDX-License-Identifier: GPL-2.0-or-later
//! `livekit-studio licenses`: what is inside, and where its source is.

use crate::failure::Failure;
use crate::output::Output;
use serde_json::json;

/// Tells what is inside this build.
pub(crate) fn command(output: Output) -> Result<(), Failure> {
    let licenses = livekit_studio::licenses();
    output.result(&json!(licenses), &licenses.to_string())
}
