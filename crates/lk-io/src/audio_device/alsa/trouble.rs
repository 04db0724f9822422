// SPDX-License-Identifier: GPL-2.0-or-later
//! What a device in use meets with, and what is done about it.

use super::library::Code;
use super::pcm::Pcm;
use lk_media::{Error, ErrorKind, Result, Wake};
use std::time::Duration;

/// How long a device may stand still.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);
/// A device that wakes up is asked so often whether it has.
const AGAIN: Duration = Duration::from_millis(50);

/// Mends a stream.
#[derive(Default)]
pub(super) struct Trouble {
    wake: Wake,
}

impl Trouble {
    /// Makes the device ready to begin anew where `code` says that this helps; an error when the stream is over.
    pub(super) fn mend(&self, pcm: &mut Pcm, code: Code) -> Result<()> {
        let lost = |why: &str| Err(Error::new(ErrorKind::DeviceLost, why));
        match code.0 {
            // too late: nothing to play, or no room for what was heard
            libc::EPIPE => {}
            // the machine has slept
            libc::ESTRPIPE => {
                if pcm.resume() == Err(Code(libc::EAGAIN)) {
                    self.wake.wait(AGAIN);
                    return Ok(());
                }
            }
            libc::EIO | libc::ENODEV | libc::ENXIO | libc::EBADF | libc::EBADFD => {
                return lost("the device is gone");
            }
            libc::ETIMEDOUT => return lost("the device stands still"),
            _ => return Err(code.error("the device")),
        }
        pcm.prepare().or_else(|_| lost("the device is gone"))
    }
}
