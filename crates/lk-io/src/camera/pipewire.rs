// SPDX-License-Identifier: GPL-2.0-or-later
//! Cameras that PipeWire has: those it shares between programs, those of other programs, and those it reaches where the
//! kernel has no device for them.

use super::backend::{Backend, Found, Stream, Taken, Watch};
use super::mode::{CameraFormat, CameraMode, Offer, Rates, Sizes, choose, modes};
use super::picture::{Layout, Pictures};
use super::{CameraInfo, CameraOptions};
use crate::pipewire::{
    Encoding, Input, InputEvent, InputOptions, NodeChoice, NodeFormat, NodeWatch, Offer as Offered,
    VideoNode, video_nodes,
};
use crossbeam_channel::{Receiver, RecvTimeoutError, TrySendError, bounded};
use lk_media::{ColorSpace, Error, ErrorKind, Frame, FrameRate, Result, Size, Timestamp};
use parking_lot::Mutex;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// PipeWire's cameras.
pub(super) struct PipeWire;

const NAME: &str = "PipeWire";
/// What addresses begin with; the server's number of the node follows.
const SCHEME: &str = "pipewire:";
/// Pictures that wait to be read; one more and it is lost.
const QUEUE: usize = 4;
/// How long both sides may take to agree on a format before it goes on without.
const AGREE: Duration = Duration::from_secs(2);

impl Backend for PipeWire {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cameras(&self) -> Result<Vec<Found>> {
        let mut cameras: Vec<Found> = Vec::new();
        for node in video_nodes()? {
            // programs may have given several the same name
            let same = cameras.iter().filter(|c| c.place == node.name).count();
            let id = if same == 0 { node.name.clone() } else { format!("{}.{}", node.name, same + 1) };
            let info = CameraInfo {
                id,
                address: format!("{SCHEME}{}", node.serial),
                backend: NAME,
                modes: modes(&offers(&node)),
                name: node.description,
            };
            let path = node.v4l2_path.map(|path| {
                let path = PathBuf::from(path);
                path.canonicalize().unwrap_or(path)
            });
            cameras.push(Found { info, node: path, place: node.name });
        }
        Ok(cameras)
    }

    fn open(&self, camera: &Found, options: &CameraOptions) -> Result<Box<dyn Stream>> {
        let serial = camera.info.address.strip_prefix(SCHEME).and_then(|n| n.parse().ok());
        let gone =
            || Error::new(ErrorKind::DeviceLost, format!("{} is gone from PipeWire", camera.info.name));
        let node = video_nodes()?.into_iter().find(|n| Some(n.serial) == serial).ok_or_else(gone)?;
        open(&node, options).map(|stream| Box::new(stream) as _)
    }

    fn watch(&self) -> Box<dyn Watch> {
        Box::new(News::new())
    }
}

fn format_of(encoding: Encoding) -> CameraFormat {
    match encoding {
        Encoding::Raw(format, _) => CameraFormat::Raw(format),
        Encoding::Jpeg => CameraFormat::Mjpeg,
    }
}

/// What a node offers.
fn offers(node: &VideoNode) -> Vec<Offer> {
    let usual = FrameRate::new(30, 1).ok();
    let offers = node.formats.iter().flat_map(|NodeFormat { encoding, sizes, rates }| {
        let rates = match rates {
            Offered::List(rates) if rates.is_empty() => usual.map(Rates::Unknown),
            Offered::List(rates) => Some(Rates::Some(rates.clone())),
            Offered::Between { min, max, .. } => Some(Rates::Range(*min, *max)),
        };
        let sizes: Vec<Sizes> = match sizes {
            Offered::List(sizes) => sizes.iter().map(|size| Sizes::One(*size)).collect(),
            Offered::Between { min, max, .. } => {
                let (across, down) = match encoding {
                    Encoding::Raw(format, _) => format.chroma_step(),
                    Encoding::Jpeg => (1, 1),
                };
                vec![Sizes::Range { min: *min, max: *max, step: Size::new(across, down) }]
            }
        };
        let format = format_of(*encoding);
        sizes.into_iter().filter_map(move |sizes| Some(Offer { format, sizes, rates: rates.clone()? }))
    });
    offers.collect()
}

/// A picture on its way, as it came.
enum Came {
    Frame(Frame),
    Jpeg(Vec<u8>, Timestamp),
}

/// What the input's thread leaves for the camera's.
#[derive(Default)]
struct Told {
    lost: AtomicU64,
    end: Mutex<Option<Error>>,
}

struct NodeStream {
    mode: CameraMode,
    pictures: Pictures,
    came: Receiver<Came>,
    told: Arc<Told>,
    _input: Input,
}

fn open(node: &VideoNode, options: &CameraOptions) -> Result<NodeStream> {
    let name = &node.description;
    let mode = choose(name, &offers(node), options)?;
    let encodings = node.formats.iter().map(|f| f.encoding).filter(|e| format_of(*e) == mode.format);
    // with alpha or without, as the node has it
    let mut encodings: Vec<Encoding> = encodings.collect();
    encodings.dedup();
    let (sender, came) = bounded(QUEUE);
    let (agreed_on, agreed) = bounded(1);
    let told = Arc::new(Told::default());
    let tell = {
        let told = told.clone();
        move |event| {
            let came = match event {
                InputEvent::Frame(frame) => Came::Frame(frame),
                InputEvent::Jpeg(bytes, at) => Came::Jpeg(bytes, at),
                InputEvent::Format(agreed) => {
                    // only the first is waited for
                    let _ = agreed_on.try_send(agreed);
                    return;
                }
                InputEvent::Lost(error) => return *told.end.lock() = Some(error),
                InputEvent::Flowing(_) | InputEvent::Unlinked => return,
            };
            if let Err(TrySendError::Full(_)) = sender.try_send(came) {
                told.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    // where a node does not say how fast it is, it is not told either
    let has_rate = node.formats.iter().any(|f| f.rates != Offered::List(Vec::new()));
    let input = Input::open(
        InputOptions {
            encodings,
            size: Some(mode.size),
            rate: Some(mode.rate).filter(|_| has_rate),
            ..InputOptions::of(NodeChoice::Serial(node.serial))
        },
        tell,
    )?;
    let mode = match agreed.recv_timeout(AGREE) {
        Ok(agreed) => CameraMode { rate: agreed.rate.unwrap_or(mode.rate), ..mode },
        Err(RecvTimeoutError::Timeout) => mode,
        Err(RecvTimeoutError::Disconnected) => return Err(ended(&told).context(name)),
    };
    let pictures = Pictures::new(name, Layout::of(&mode, ColorSpace::JPEG))?;
    Ok(NodeStream { mode, pictures, came, told, _input: input })
}

fn ended(told: &Told) -> Error {
    let end = told.end.lock().clone();
    end.unwrap_or_else(|| Error::new(ErrorKind::DeviceLost, "its stream ended"))
}

impl Stream for NodeStream {
    fn mode(&self) -> CameraMode {
        self.mode
    }

    fn next(&mut self, limit: Duration) -> Result<Taken> {
        let came = match self.came.recv_timeout(limit) {
            Ok(came) => came,
            Err(RecvTimeoutError::Timeout) => return Ok(Taken::Nothing),
            Err(RecvTimeoutError::Disconnected) => return Err(ended(&self.told)),
        };
        let frame = match came {
            Came::Frame(frame) => Some(frame),
            Came::Jpeg(bytes, at) => self.pictures.make(&bytes, at)?,
        };
        let lost = self.told.lost.swap(0, Ordering::Relaxed);
        Ok(frame.map_or(Taken::Damaged, |frame| Taken::Frame(frame, lost)))
    }
}

/// One watch for all who want to know of changes.
struct SharedWatch {
    changes: Arc<AtomicU64>,
    _watch: NodeWatch,
}

struct News {
    shared: Option<Arc<SharedWatch>>,
    seen: u64,
}

impl News {
    fn new() -> Self {
        static SHARED: Mutex<Weak<SharedWatch>> = Mutex::new(Weak::new());
        let mut known = SHARED.lock();
        let shared =
            known.upgrade().map_or_else(SharedWatch::new, Ok).inspect_err(|e| tracing::debug!("{e}"));
        let shared = shared.ok();
        if let Some(shared) = &shared {
            *known = Arc::downgrade(shared);
        }
        let seen = shared.as_ref().map_or(0, |s| s.changes.load(Ordering::Acquire));
        Self { shared, seen }
    }
}

impl SharedWatch {
    fn new() -> Result<Arc<Self>> {
        let changes = Arc::new(AtomicU64::new(0));
        let (count, first) = (changes.clone(), Arc::new(lk_media::Wake::new()));
        let told = first.clone();
        let watch = NodeWatch::new(move |_| {
            count.fetch_add(1, Ordering::AcqRel);
            told.ring();
        })?;
        // what is there now is no news
        first.wait(AGREE);
        Ok(Arc::new(Self { changes, _watch: watch }))
    }
}

impl Watch for News {
    fn changed(&mut self) -> bool {
        let now = self.shared.as_ref().map_or(0, |s| s.changes.load(Ordering::Acquire));
        std::mem::replace(&mut self.seen, now) != now
    }
}
