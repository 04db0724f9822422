// SPDX-License-Identifier: GPL-2.0-or-later
//! Why a command did not do what was asked, in words, for scripts and as an exit status.

use crate::{CANCELLED, FAILED, USAGE};
use livekit_studio::{Error, ErrorKind};
use serde_json::{Value, json};

/// The end of a command that did not succeed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure {
    /// "usage", or the engine's kind in lower case: "media_not_found".
    pub kind: String,
    /// What went wrong.
    pub message: String,
    /// The way out.
    pub hint: Option<String>,
    /// The exit status.
    pub status: i32,
}

impl Failure {
    /// Arguments that make no sense.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { kind: "usage".to_owned(), message: message.into(), hint: Some(hint.into()), status: USAGE }
    }

    /// What `--json` prints.
    pub fn to_json(&self) -> Value {
        json!({ "error": { "kind": self.kind, "message": self.message, "hint": self.hint } })
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            kind: snake_case(&format!("{:?}", error.kind())),
            message: error.message().to_owned(),
            hint: error.hint().map(str::to_owned),
            status: if error.kind() == ErrorKind::Cancelled { CANCELLED } else { FAILED },
        }
    }
}

/// "MediaNotFound" as "media_not_found".
fn snake_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for (n, c) in name.chars().enumerate() {
        if c.is_uppercase() && n > 0 {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engine_errors_keep_their_kind_and_hint() {
        let error = Error::new(ErrorKind::MediaNotFound, "a.mp4: no such file").with_hint("look elsewhere");
        let failure = Failure::from(error);
        assert_eq!(failure.status, FAILED);
        let expected = json!({ "error": {
            "kind": "media_not_found", "message": "a.mp4: no such file", "hint": "look elsewhere" } });
        assert_eq!(failure.to_json(), expected);
        assert_eq!(Failure::from(Error::new(ErrorKind::Cancelled, "stopped")).status, CANCELLED);
        assert_eq!(Failure::usage("what", "this").status, USAGE);
    }
}
