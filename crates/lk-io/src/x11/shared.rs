// SPDX-License-Identifier: GPL-2.0-or-later
//! Memory that is shared with the X server (MIT-SHM), handed over by its descriptor.

use super::{Conn, FromX};
use crate::desktop::{self, Pictures, Segment, Shape, Share};
use lk_media::{Error, Result};
use std::sync::Arc;
use x11rb::connection::Connection;
use x11rb::protocol::shm;

/// The pictures of a thread, shared with the frames that hold some of them.
pub(crate) type SharedPictures = Arc<Pictures<Conn>>;
/// One of them.
pub(crate) type Memory = desktop::Memory<Conn>;

impl Share for Conn {
    type Id = shm::Seg;

    fn share(&self, _: Shape, segment: &Segment) -> Result<shm::Seg> {
        let id = self.generate_id().map_err(Error::from_x)?;
        shm::attach_fd(self, id, segment.file()?, false)
            .map_err(Error::from_x)?
            .check()
            .map_err(Error::from_x)?;
        Ok(id)
    }

    fn unshare(&self, id: shm::Seg) {
        // an error here is a connection that is gone, and the name with it
        if let Ok(done) = shm::detach(self, id) {
            done.ignore_error();
        }
    }
}

/// Whether memory can be shared at all.
pub(super) fn can_share(conn: &Conn) -> bool {
    let shape = Shape::packed(lk_media::Size::new(32, 32));
    Segment::new(4096).and_then(|segment| conn.share(shape, &segment)).is_ok()
}
