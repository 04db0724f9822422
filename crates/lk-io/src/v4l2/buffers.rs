// SPDX-License-Identifier: GPL-2.0-or-later
//! Buffers of the kernel's that a device fills, mapped into this process.
#![allow(unsafe_code)]

use super::raw::{Buffer, Device};
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use std::ffi::c_void;
use std::ptr::NonNull;

/// Buffers in turn: one may be read while the device fills the others.
const COUNT: u32 = 4;

/// One buffer, mapped to be read.
struct Mapping {
    start: NonNull<c_void>,
    length: usize,
}

impl Mapping {
    fn new(device: &Device, index: u32) -> Result<Self, Errno> {
        let buffer = device.query_buffer(index)?;
        let length = buffer.length as usize;
        if length == 0 {
            return Err(Errno::NODATA);
        }
        // SAFETY: a new mapping at an address of the kernel's choice; nothing else is there.
        let start = unsafe {
            mmap(
                std::ptr::null_mut(),
                length,
                ProtFlags::READ,
                MapFlags::SHARED,
                device,
                u64::from(buffer.offset[0]),
            )?
        };
        NonNull::new(start).map(|start| Self { start, length }).ok_or(Errno::NOMEM)
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped in `new` and unmapped nowhere else; slices of it borrow the owner.
        if let Err(e) = unsafe { munmap(self.start.as_ptr(), self.length) } {
            tracing::debug!("a buffer cannot be unmapped: {e}");
        }
    }
}

/// A device whose pictures flow into buffers. Dropping it ends the flow.
pub(crate) struct Flow {
    device: Device,
    mappings: Vec<Mapping>,
}

impl Flow {
    /// Makes the buffers, queues them and starts the flow.
    pub(crate) fn start(device: Device) -> Result<Self, Errno> {
        let count = device.request_buffers(COUNT)?;
        let mappings = (0..count).map(|n| Mapping::new(&device, n)).collect::<Result<Vec<_>, _>>()?;
        if mappings.is_empty() {
            return Err(Errno::NOMEM);
        }
        let flow = Self { device, mappings };
        (0..count).try_for_each(|n| flow.device.queue(n))?;
        flow.device.stream_on()?;
        Ok(flow)
    }

    /// The device.
    pub(crate) fn device(&self) -> &Device {
        &self.device
    }

    /// Hands the next filled buffer and its bytes to `read`; None if none is filled now.
    pub(crate) fn take<T>(&mut self, read: impl FnOnce(&Buffer, &[u8]) -> T) -> Result<Option<T>, Errno> {
        let buffer = match self.device.dequeue() {
            Ok(buffer) => buffer,
            Err(Errno::AGAIN) => return Ok(None),
            Err(e) => return Err(e),
        };
        let mapping = self.mappings.get(buffer.index as usize).ok_or(Errno::IO)?;
        let used = (buffer.bytesused as usize).min(mapping.length);
        // SAFETY: `used` bytes at the start of a mapping that lives as long as `self`; the device does not write to the
        // buffer until it is queued again, and should one do so all the same, these are bytes of pixels in which every
        // value is possible.
        let bytes = unsafe { std::slice::from_raw_parts(mapping.start.as_ptr().cast::<u8>(), used) };
        let answer = read(&buffer, bytes);
        self.device.queue(buffer.index)?;
        Ok(Some(answer))
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        // a device that was unplugged refuses; closing it is enough then
        if let Err(e) = self.device.stream_off() {
            tracing::debug!("the flow cannot be ended: {e}");
        }
    }
}
