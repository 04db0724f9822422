// SPDX-License-Identifier: GPL-2.0-or-later
//! What the portal answers once the user has, taken apart: nothing of it is believed unchecked.

use super::bus::Results;
use super::errors::{failed, nonsense};
use lk_media::Result;
use zbus::zvariant::Value;

/// What was answered; None for a no.
pub(super) fn granted((code, results): (u32, Results)) -> Result<Option<Results>> {
    match code {
        0 => Ok(Some(results)),
        1 => Ok(None),
        _ => Err(failed()),
    }
}

/// A string, or the path of an object.
pub(super) fn text(results: &Results, name: &str) -> Option<String> {
    match &**results.get(name)? {
        Value::Str(text) => Some(text.as_str().to_owned()),
        Value::ObjectPath(path) => Some(path.as_str().to_owned()),
        _ => None,
    }
}

/// The node of the first stream that may be read.
pub(super) fn node(results: &Results) -> Result<u32> {
    let first = || {
        let Value::Array(streams) = &**results.get("streams")? else { return None };
        let Some(Value::Structure(stream)) = streams.iter().next() else { return None };
        match stream.fields().first()? {
            Value::U32(node) => Some(*node),
            _ => None,
        }
    };
    first().ok_or_else(|| nonsense("it allows something and does not say what"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lk_media::ErrorKind;
    use std::collections::HashMap;
    use zbus::zvariant::{ObjectPath, OwnedValue};

    fn results<'a>(entries: impl IntoIterator<Item = (&'a str, Value<'a>)>) -> Results {
        entries
            .into_iter()
            .map(|(name, value)| (name.to_owned(), OwnedValue::try_from(value).unwrap()))
            .collect()
    }

    #[test]
    fn the_first_stream_is_found() {
        let none: HashMap<&str, Value<'_>> = HashMap::new();
        let streams = vec![(57_u32, none.clone()), (58, none)];
        assert_eq!(node(&results([("streams", Value::from(streams))])).unwrap(), 57);
    }

    #[test]
    fn what_makes_no_sense_is_an_error() {
        let wrong = [
            results([]),
            results([("streams", Value::from("57"))]),
            results([("streams", Value::from(Vec::<u32>::new()))]),
            results([("streams", Value::from(vec![57_u32]))]),
            results([("streams", Value::from(vec![("57", 1_u32)]))]),
        ];
        for results in wrong {
            assert_eq!(node(&results).unwrap_err().kind(), ErrorKind::Display);
        }
    }

    #[test]
    fn paths_come_as_strings_too() {
        let path = ObjectPath::try_from("/a/b").unwrap();
        let all = results([("a", Value::from("/a/b")), ("b", Value::from(path)), ("c", Value::from(3_u32))]);
        let of = |name| text(&all, name);
        assert_eq!((of("a").as_deref(), of("b").as_deref()), (Some("/a/b"), Some("/a/b")));
        assert_eq!((of("c"), of("d")), (None, None));
    }

    #[test]
    fn who_says_no_is_told_from_what_went_wrong() {
        assert!(granted((0, results([]))).unwrap().is_some());
        assert!(granted((1, results([]))).unwrap().is_none());
        for code in [2, 77] {
            assert_eq!(granted((code, results([]))).unwrap_err().kind(), ErrorKind::Display);
        }
    }
}
