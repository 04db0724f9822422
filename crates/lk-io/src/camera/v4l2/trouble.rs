// SPDX-License-Identifier: GPL-2.0-or-later
//! What the kernel's refusals mean to the user.

use lk_media::{Error, ErrorKind};
use rustix::io::Errno;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Programs that messages name.
const NAMED: usize = 3;

/// Why the camera called `name` cannot be opened.
pub(super) fn refused(name: &str, node: &Path, errno: Errno) -> Error {
    let error = match errno {
        Errno::BUSY => {
            let users = users_of(node);
            let by = if users.is_empty() { "another program".to_owned() } else { users.join(", ") };
            Error::new(ErrorKind::DeviceBusy, format!("{name} is in use by {by}"))
                .with_hint("close it there; one program at a time can have a camera")
        }
        Errno::ACCESS | Errno::PERM => {
            let group = group_of(node).unwrap_or_else(|| "video".to_owned());
            Error::new(ErrorKind::Device, format!("{name}: no permission to open {}", node.display()))
                .with_hint(format!("join the group {group} and log in again: sudo usermod -aG {group} $USER"))
        }
        errno => return lost(name, errno),
    };
    error.with_errno(errno.raw_os_error()).with_source(errno)
}

/// Why the camera called `name` gives no more pictures.
pub(super) fn lost(name: &str, errno: Errno) -> Error {
    let message = match errno {
        Errno::NODEV | Errno::NXIO | Errno::NOENT => format!("{name} was unplugged"),
        Errno::NOMEM => format!("{name}: the system has no memory for its pictures"),
        errno => format!("{name} does not work: {errno}"),
    };
    Error::new(ErrorKind::DeviceLost, message)
        .with_hint("plug it in again, at another socket if it keeps happening")
        .with_errno(errno.raw_os_error())
        .with_source(errno)
}

/// The programs that have a device open, as far as we may see them.
fn users_of(node: &Path) -> Vec<String> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let uses = |pid: u32| {
        let mut open = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten();
        open.any(|fd| fs::read_link(fd.path()).is_ok_and(|to| to == node)).then_some(())?;
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        Some(if pid == std::process::id() {
            "this program".to_owned()
        } else {
            format!("{} (process {pid})", name.trim())
        })
    };
    let pids = processes.filter_map(|p| p.file_name().to_str()?.parse().ok());
    pids.filter_map(uses).take(NAMED).collect()
}

/// The group that may open a node.
fn group_of(node: &Path) -> Option<String> {
    let gid = fs::metadata(node).ok()?.gid().to_string();
    let groups = fs::read_to_string("/etc/group").ok()?;
    let found =
        groups.lines().map(|l| l.split(':').collect::<Vec<_>>()).find(|f| f.get(2) == Some(&&*gid))?;
    // root's group is nothing to join
    found.first().filter(|name| **name != "root").map(|name| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_say_the_way_out() {
        let node = std::env::temp_dir().join(format!("lk-node-{}", std::process::id()));
        fs::write(&node, "").unwrap();
        let kept = fs::File::open(&node).unwrap();
        let busy = refused("cam", &node, Errno::BUSY);
        assert_eq!((busy.kind(), busy.errno()), (ErrorKind::DeviceBusy, Some(libc::EBUSY)));
        assert!(busy.message().ends_with("this program"), "{busy}");
        drop(kept);
        assert!(refused("cam", &node, Errno::BUSY).message().ends_with("another program"));
        fs::remove_file(&node).unwrap();
        let locked = refused("cam", &node, Errno::ACCESS);
        assert_eq!(locked.kind(), ErrorKind::Device);
        assert!(locked.hint().unwrap().contains("usermod -aG video"), "{locked}");
        assert_eq!(refused("cam", &node, Errno::NODEV).kind(), ErrorKind::DeviceLost);
        assert!(lost("cam", Errno::NODEV).message().contains("unplugged"));
        assert_eq!(lost("cam", Errno::IO).kind(), ErrorKind::DeviceLost);
    }
}
