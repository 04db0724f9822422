// SPDX-License-Identifier: GPL-2.0-or-later
//! Windows whose pictures are drawn by the renderer, so that they are what a file of the same size would hold.

use lk_compositor::render::{CpuRenderer, OutputRequest, RenderJob, Renderer, Sampled};
use lk_compositor::{Layer, Placement, Scene, SourceId};
use lk_io::viewer::{Painter, View, ViewFit, Viewer, ViewerOptions};
use lk_media::{Error, Frame, FrameMut, Result, Size, Timestamp, thread};

/// Opens a window. Pictures are scaled by the renderer, with all of its threads.
pub fn open_viewer(options: ViewerOptions) -> Result<Viewer> {
    let painter = RendererPainter {
        renderer: CpuRenderer::new(thread::budget())?,
        source: SourceId::unique(),
        index: 0,
    };
    Viewer::open(options, Box::new(painter))
}

struct RendererPainter {
    renderer: CpuRenderer,
    source: SourceId,
    index: u64,
}

impl Painter for RendererPainter {
    fn paint(&mut self, frame: Option<&Frame>, view: View, into: FrameMut) -> Result<Frame> {
        let spec = into.spec();
        let mut scene = Scene::new(spec.size)?;
        let layer = Layer::new(self.source);
        let inputs = [Sampled { layer: layer.id, frame: frame.cloned() }];
        if let Some(placement) = frame.and_then(|f| place(f.size(), spec.size, view)) {
            scene.layers.insert(0, Layer { placement, ..layer });
        }
        let outputs = vec![OutputRequest { spec, buffer: Some(into) }];
        self.index += 1;
        let time = frame.map_or(Timestamp::ZERO, Frame::timestamp);
        self.renderer.submit(RenderJob {
            index: self.index,
            time,
            scene: &scene,
            inputs: &inputs,
            outputs: outputs.into(),
        })?;
        let rendered = self.renderer.poll().and_then(|mut rendered| rendered.frames.pop());
        rendered.ok_or_else(|| Error::internal("a picture was drawn and is gone"))
    }
}

/// Where a picture lies in a window, in whole pixels; None if there is no room.
fn place(picture: Size, window: Size, view: View) -> Option<Placement> {
    let room = |side: u32| f64::from(side.saturating_sub(view.margin.saturating_mul(2)));
    let (width, height) = (room(window.width), room(window.height));
    let (wide, high) = (f64::from(picture.width), f64::from(picture.height));
    let fill = (width / wide).min(height / high);
    let (w, h) = match view.fit {
        ViewFit::Stretch => (width, height),
        ViewFit::Contain => (wide * fill, high * fill),
        ViewFit::ScaleDown => (wide * fill.min(1.0), high * fill.min(1.0)),
    };
    let (w, h) = (w.round(), h.round());
    let middle = |side: u32, length: f64| ((f64::from(side) - length) / 2.0).floor();
    (w >= 1.0 && h >= 1.0)
        .then(|| Placement::rectangle(middle(window.width, w), middle(window.height, h), w, h))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_lie_in_the_middle_of_whole_pixels() {
        let lies = |fit, margin, picture: (u32, u32), window: (u32, u32)| {
            place(Size::new(picture.0, picture.1), Size::new(window.0, window.1), View { fit, margin })
        };
        let at = |x, y, w, h| Some(Placement::rectangle(x, y, w, h));
        assert_eq!(lies(ViewFit::Contain, 0, (640, 480), (640, 480)), at(0.0, 0.0, 640.0, 480.0));
        assert_eq!(lies(ViewFit::Contain, 0, (320, 240), (1280, 720)), at(160.0, 0.0, 960.0, 720.0));
        assert_eq!(lies(ViewFit::Stretch, 10, (320, 240), (1280, 720)), at(10.0, 10.0, 1260.0, 700.0));
        assert_eq!(lies(ViewFit::ScaleDown, 20, (100, 50), (201, 101)), at(50.0, 25.0, 100.0, 50.0));
        assert_eq!(lies(ViewFit::ScaleDown, 20, (400, 100), (240, 140)), at(20.0, 45.0, 200.0, 50.0));
        assert_eq!(lies(ViewFit::Contain, 50, (64, 64), (100, 300)), None);
    }
}
