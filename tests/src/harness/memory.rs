// SPDX-License-Identifier: GPL-2.0-or-later
//! Frame memory as devices hand it out: rows padded with rubbish, the last row without padding.

use lk_media::frame::{PlaneLayout, PlanesMut};
use lk_media::{FrameMut, FrameSpec, HostMemory, HostMemoryMut};

/// What the padding is filled with.
const RUBBISH: u8 = 0xa5;

struct PaddedMemory {
    planes: Vec<Vec<u8>>,
    layouts: Vec<PlaneLayout>,
}

/// A writable frame of `spec` whose rows are `padding` bytes longer than they need to be.
pub fn padded(spec: FrameSpec, padding: usize) -> FrameMut {
    let mut memory = PaddedMemory { planes: Vec::new(), layouts: Vec::new() };
    for index in 0..spec.format.planes() {
        let (width, rows) = spec.format.plane_extent(spec.size, index);
        let stride = width + padding;
        memory.planes.push(vec![RUBBISH; stride * (rows - 1) + width]);
        memory.layouts.push(PlaneLayout { stride, rows });
    }
    FrameMut::new(spec, Box::new(memory)).expect("the memory is as large as the spec says")
}

/// Whether nobody wrote into the padding of a frame made by [`padded`].
pub fn padding_is_untouched(frame: &lk_media::Frame) -> bool {
    let map = frame.map_native();
    (0..frame.format().planes()).map(|index| map.plane(index)).all(|plane| {
        plane.data.chunks(plane.stride).all(|row| row[plane.width..].iter().all(|byte| *byte == RUBBISH))
    })
}

impl HostMemory for PaddedMemory {
    fn layout(&self, plane: usize) -> PlaneLayout {
        self.layouts[plane]
    }

    fn plane(&self, plane: usize) -> &[u8] {
        &self.planes[plane]
    }
}

impl HostMemoryMut for PaddedMemory {
    fn plane_mut(&mut self, plane: usize) -> &mut [u8] {
        &mut self.planes[plane]
    }

    fn planes_mut(&mut self) -> PlanesMut<'_> {
        self.planes.iter_mut().map(Vec::as_mut_slice).collect()
    }
}
