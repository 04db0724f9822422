// SPDX-License-Identifier: GPL-2.0-or-later
//! Names: in use, impossible, left behind, of somebody else.

use crate::support::*;
use lk_io::ipc::{self, IpcFolder, IpcSource, IpcTarget};
use lk_media::{ErrorKind, PixelFormat, Size};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;

const SIZE: Size = Size::new(16, 16);

fn refused(folder: &IpcFolder, name: &str) -> (ErrorKind, ErrorKind) {
    let options = ipc::IpcTargetOptions { folder: folder.clone(), ..ipc::IpcTargetOptions::default() };
    let target = IpcTarget::open(name, SIZE, &options).err().expect("it cannot be");
    let source = IpcSource::open(name, folder).err().expect("it cannot be");
    println!("{target}\n{source}");
    assert!(target.hint().is_some() && source.hint().is_some());
    (target.kind(), source.kind())
}

#[test]
fn a_name_has_one_writer() {
    let folder = Folder::new();
    let target = folder.target("cam", PixelFormat::Bgr, SIZE);
    let second = || IpcTarget::open("cam", SIZE, &folder.options(PixelFormat::Bgr));
    assert_eq!(second().err().map(|e| e.kind()), Some(ErrorKind::Busy));
    let other = folder.target("kamera 2: Straße", PixelFormat::Bgr, SIZE);
    drop(target);
    drop(second().unwrap());
    drop(other);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn one_of_many_who_want_a_name_gets_it() {
    let folder = Folder::new();
    let options = folder.options(PixelFormat::Bgr);
    let made: Vec<_> = std::thread::scope(|scope| {
        let one = || scope.spawn(|| IpcTarget::open("cam", SIZE, &options));
        let all: Vec<_> = (0..8).map(|_| one()).collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(made.iter().filter(|m| m.is_ok()).count(), 1);
    let kinds = made.iter().filter_map(|m| m.as_ref().err()).map(|e| e.kind());
    assert!(kinds.into_iter().all(|kind| kind == ErrorKind::Busy));
}

#[test]
fn impossible_names() {
    let folder = Folder::new();
    let long = "n".repeat(300);
    for name in ["", "a/b", "/", "..", ".hidden", "a\nb", "a\0b", &long] {
        assert_eq!(refused(&folder.names(), name), (ErrorKind::Parameter, ErrorKind::Parameter), "{name:?}");
    }
    let deep = folder.path().join("d".repeat(90));
    std::fs::create_dir_all(folder.path()).unwrap();
    let kinds = refused(&IpcFolder::at(&deep), &"n".repeat(60));
    assert_eq!(kinds, (ErrorKind::Parameter, ErrorKind::Parameter));
    // the longest there can be
    let longest = "n".repeat(64);
    let target = folder.target(&longest, PixelFormat::Bgr, SIZE);
    let source = folder.source(&longest);
    share(&target, 1);
    await_number(&source, 1);
}

#[test]
fn folders_that_are_not_ours_alone() {
    let folder = Folder::new();
    let kinds = refused(&IpcFolder::at(&folder.path().join("there/is/none")), "cam");
    assert_eq!(kinds, (ErrorKind::Output, ErrorKind::Stream));
    std::fs::create_dir_all(folder.path()).unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    assert_eq!(refused(&folder.names(), "cam"), (ErrorKind::Output, ErrorKind::Stream));
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o700)).unwrap();
    drop(folder.target("cam", PixelFormat::Bgr, SIZE));
    assert_eq!(
        refused(&IpcFolder::at(Path::new("/dev/null")), "cam"),
        (ErrorKind::Output, ErrorKind::Stream)
    );
    // a link into a folder of ours is no folder
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(folder.path(), &link).unwrap();
    assert_eq!(refused(&IpcFolder::at(&link), "cam"), (ErrorKind::Output, ErrorKind::Stream));
}

#[test]
fn things_of_another_user() {
    let folder = Folder::new();
    drop(folder.target("make", PixelFormat::Bgr, SIZE));
    let socket = folder.path().join("cam");
    let _listening = UnixListener::bind(&socket).unwrap();
    if std::os::unix::fs::chown(&socket, Some(65534), None).is_err() {
        return skip("only root can give a socket to another user");
    }
    assert_eq!(refused(&folder.names(), "cam"), (ErrorKind::Output, ErrorKind::Stream));
    std::os::unix::fs::chown(folder.path(), Some(65534), None).unwrap();
    assert_eq!(refused(&folder.names(), "new"), (ErrorKind::Output, ErrorKind::Stream));
}

#[test]
fn what_lies_there_is_not_a_writer() {
    let folder = Folder::new();
    drop(folder.target("make", PixelFormat::Bgr, SIZE));
    let path = folder.path().join("cam");
    // a socket of another kind, alive and dead
    let listening = UnixListener::bind(&path).unwrap();
    let error = IpcTarget::open("cam", SIZE, &folder.options(PixelFormat::Bgr)).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Output, "{error}");
    assert!(IpcSource::open("cam", &folder.names()).is_err());
    drop(listening);
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "a file").unwrap();
    assert!(IpcTarget::open("cam", SIZE, &folder.options(PixelFormat::Bgr)).is_err());
    assert!(IpcSource::open("cam", &folder.names()).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), b"a file", "it was left alone");
}

#[test]
fn what_is_shared_is_listed_and_what_is_left_is_removed() {
    let folder = Folder::new();
    assert!(ipc::list(&folder.names()).unwrap().is_empty());
    let target = folder.target("cam", PixelFormat::I420, SIZE);
    share(&target, 1);
    share(&target, 2);
    let silent = folder.target("silent", PixelFormat::Bgra, Size::new(1920, 1080));
    std::fs::write(folder.path().join("a file"), "").unwrap();
    // what a killed writer leaves: a socket that nobody listens to
    let left = folder.path().join("left");
    drop(UnixListener::bind(&left).unwrap());
    let listed = ipc::list(&folder.names()).unwrap();
    let seen: Vec<_> =
        listed.iter().map(|l| (l.name.as_str(), l.frames, l.pictures.map(|p| p.size))).collect();
    assert_eq!(seen, [("cam", 2, Some(SIZE)), ("silent", 0, Some(Size::new(1920, 1080)))]);
    assert!(listed.iter().all(|l| l.process == Some(u64::from(std::process::id()))));
    drop(silent);
}
