// SPDX-License-Identifier: GPL-2.0-or-later
//! Windows, and rules that choose one.

use crate::encode::suggest::nearest;
use lk_media::{Error, ErrorKind, Result, Size};
use serde::Serialize;
use std::fmt;

/// Windows that messages list.
const LISTED: usize = 12;

/// The title of the entry that has the user choose a window in the desktop's dialog.
pub const CHOOSE: &str = "Choose a window...";

/// A window of the desktop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WindowInfo {
    /// What stands over it.
    pub title: String,
    /// The class of its application ("firefox"); empty if it has none.
    pub application: String,
    /// The process, if the application says so.
    pub pid: Option<u32>,
    /// Its size in pixels; 0x0 for one that is yet to be chosen.
    pub size: Size,
    /// The display's number for it; 0 for one that is yet to be chosen.
    pub id: u32,
}

impl WindowInfo {
    /// The entry called [`CHOOSE`].
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))]
    pub(super) fn to_be_chosen() -> Self {
        Self { title: CHOOSE.to_owned(), application: String::new(), pid: None, size: Size::new(0, 0), id: 0 }
    }
}

/// How a window is chosen, now and when it is opened again. Where several fit it is the one that was opened first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WindowRule {
    /// The one at this place of [`windows`](super::windows); later the one with its application and title.
    Index(usize),
    /// By its title: the same, else the same but for case, else one that contains it.
    Title(String),
    /// By its application, in the same way.
    Application(String),
    /// By its process.
    Pid(u32),
    /// By its number, which is no other window's.
    Id(u32),
    /// By its application and its title.
    Same {
        /// The application.
        application: String,
        /// The title.
        title: String,
    },
}

impl WindowRule {
    /// The window it chooses.
    pub fn find<'a>(&self, windows: &'a [WindowInfo]) -> Option<&'a WindowInfo> {
        match self {
            Self::Index(index) => windows.get(*index),
            Self::Title(title) => by_name(title, windows, |w| &w.title),
            Self::Application(application) => by_name(application, windows, |w| &w.application),
            Self::Pid(pid) => windows.iter().find(|w| w.pid == Some(*pid)),
            Self::Id(id) => windows.iter().find(|w| w.id == *id),
            Self::Same { application, title } => {
                windows.iter().find(|w| w.application == *application && w.title == *title)
            }
        }
    }

    /// The same for a first time: an error says what there is.
    pub(super) fn choose(&self, windows: &[WindowInfo]) -> Result<WindowInfo> {
        self.find(windows).cloned().ok_or_else(|| self.nothing(windows))
    }

    /// The rule by which `found` is found again.
    pub(super) fn afterwards(&self, found: &WindowInfo) -> Self {
        match self {
            Self::Index(_) => {
                Self::Same { application: found.application.clone(), title: found.title.clone() }
            }
            rule => rule.clone(),
        }
    }

    fn nothing(&self, windows: &[WindowInfo]) -> Error {
        let names = |of: fn(&WindowInfo) -> &str| -> Vec<String> {
            let mut names: Vec<String> =
                windows.iter().map(of).filter(|n| !n.is_empty()).map(|n| format!("{n:?}")).collect();
            names.dedup();
            names.truncate(LISTED);
            names
        };
        let near = |wrong: &str, of: fn(&WindowInfo) -> &str| {
            let found = nearest(wrong, windows.iter().map(of));
            found.first().map(|n| format!("did you mean {n:?}? "))
        };
        let title: fn(&WindowInfo) -> &str = |w| &w.title;
        let application: fn(&WindowInfo) -> &str = |w| &w.application;
        let (kind, guess, of) = match self {
            Self::Index(_) => (ErrorKind::Index, None, title),
            Self::Title(wrong) => (ErrorKind::DeviceNotFound, near(wrong, title), title),
            Self::Application(wrong) => (ErrorKind::DeviceNotFound, near(wrong, application), application),
            _ => (ErrorKind::DeviceNotFound, None, title),
        };
        let there = match names(of).as_slice() {
            [] => "there are no windows".to_owned(),
            names => format!("there are: {}", names.join(", ")),
        };
        Error::new(kind, format!("there is no {self}"))
            .with_hint(format!("{}{there}", guess.unwrap_or_default()))
    }
}

impl fmt::Display for WindowRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(f, "window {index}"),
            Self::Title(title) | Self::Same { title, .. } => write!(f, "window {title:?}"),
            Self::Application(application) => write!(f, "window of {application:?}"),
            Self::Pid(pid) => write!(f, "window of process {pid}"),
            Self::Id(id) => write!(f, "window 0x{id:x}"),
        }
    }
}

fn by_name<'a>(
    wanted: &str,
    windows: &'a [WindowInfo],
    name: impl Fn(&WindowInfo) -> &str,
) -> Option<&'a WindowInfo> {
    let lower = wanted.to_lowercase();
    if lower.is_empty() {
        return None;
    }
    let find = |fits: &dyn Fn(&str) -> bool| windows.iter().find(|w| fits(name(w)));
    find(&|n| n == wanted)
        .or_else(|| find(&|n| n.to_lowercase() == lower))
        .or_else(|| find(&|n| n.to_lowercase().contains(&lower)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(id: u32, title: &str, application: &str, pid: u32) -> WindowInfo {
        WindowInfo {
            title: title.to_owned(),
            application: application.to_owned(),
            pid: Some(pid),
            size: Size::new(640, 480),
            id,
        }
    }

    #[test]
    fn rules_choose_the_best_and_the_first() {
        let all = [
            window(7, "notes - Editor", "editor", 10),
            window(8, "Notes", "Editor", 11),
            window(9, "notes", "player", 11),
        ];
        let found = |rule: WindowRule| rule.find(&all).map(|w| w.id);
        let title = |t: &str| WindowRule::Title(t.to_owned());
        assert_eq!(found(title("notes")), Some(9));
        assert_eq!(found(title("NOTES")), Some(8));
        assert_eq!(found(title("edit")), Some(7));
        assert_eq!(found(title("")), None);
        assert_eq!(found(WindowRule::Application("Editor".to_owned())), Some(8));
        assert_eq!(found(WindowRule::Pid(11)), Some(8));
        assert_eq!(found(WindowRule::Index(2)), Some(9));
        assert_eq!((found(WindowRule::Id(7)), found(WindowRule::Id(6))), (Some(7), None));
        let again = WindowRule::Index(2).afterwards(&all[2]);
        assert_eq!(again.find(&all[..2]), None);
        assert_eq!(found(again), Some(9));
    }

    #[test]
    fn errors_list_and_suggest() {
        let all = [window(7, "Mozilla Firefox", "firefox", 10), window(8, "Terminal", "xterm", 11)];
        let error = WindowRule::Title("Mozila Firefox".to_owned()).choose(&all).expect_err("misspelt");
        assert_eq!(error.kind(), ErrorKind::DeviceNotFound);
        let hint = error.hint().unwrap_or_default();
        assert!(hint.starts_with("did you mean \"Mozilla Firefox\"?") && hint.contains("Terminal"), "{hint}");
        assert_eq!(WindowRule::Index(2).choose(&all).expect_err("too far").kind(), ErrorKind::Index);
        let none = WindowRule::Pid(1).choose(&[]).expect_err("nothing there");
        assert_eq!(none.hint(), Some("there are no windows"));
    }
}
