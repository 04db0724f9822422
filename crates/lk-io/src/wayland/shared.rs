// SPDX-License-Identifier: GPL-2.0-or-later
//! Memory that is shared with a compositor (wl_shm).

use crate::desktop::{self, Pictures, Segment, Shape, Share};
use lk_media::{Error, Result};
use std::os::fd::AsFd;
use std::sync::Arc;
use wayland_client::protocol::wl_buffer::WlBuffer;
use wayland_client::protocol::wl_shm::{Format, WlShm};
use wayland_client::protocol::wl_shm_pool::WlShmPool;
use wayland_client::{Dispatch, QueueHandle};

/// The pictures of a thread, shared with the frames that hold some of them.
pub(crate) type SharedPictures<S> = Arc<Pictures<Shm<S>>>;
/// One of them.
pub(crate) type Memory<S> = desktop::Memory<Shm<S>>;

/// How a compositor is told of memory.
pub(crate) struct Shm<S> {
    pub shm: WlShm,
    pub queue: QueueHandle<S>,
}

impl<S> Share for Shm<S>
where
    S: Dispatch<WlShmPool, ()> + Dispatch<WlBuffer, ()> + 'static,
{
    type Id = WlBuffer;

    fn share(&self, shape: Shape, segment: &Segment) -> Result<WlBuffer> {
        let number = |n: usize| i32::try_from(n).map_err(|_| Error::internal("a picture of 2 GB or more"));
        let format = Format::try_from(shape.format)
            .map_err(|_| Error::internal(format!("a format of number {}", shape.format)))?;
        let (width, height) = (shape.size.width as usize, shape.size.height as usize);
        let file = segment.file()?;
        let pool = self.shm.create_pool(file.as_fd(), number(segment.bytes().len())?, &self.queue, ());
        let (width, height, stride) = (number(width)?, number(height)?, number(shape.stride)?);
        let buffer = pool.create_buffer(0, width, height, stride, format, &self.queue, ());
        // the buffer keeps the memory
        pool.destroy();
        Ok(buffer)
    }

    fn unshare(&self, buffer: WlBuffer) {
        buffer.destroy();
    }
}
