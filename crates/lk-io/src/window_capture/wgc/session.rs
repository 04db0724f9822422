// SPDX-License-Identifier: GPL-2.0-or-later
//! A session that shows a window or a screen: pictures come whenever something was drawn.
#![allow(unsafe_code)] // calls of the system

use super::device::Device;
use crate::window_capture::Shared;
use crate::window_capture::areas::resized;
use crate::window_capture::serve::LOOK;
use lk_media::Size;
use lk_media::clock::Deadline;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use windows::Foundation::TypedEventHandler;
use windows::Graphics::Capture::{
    Direct3D11CaptureFrame, Direct3D11CaptureFramePool, GraphicsCaptureItem, GraphicsCaptureSession,
};
use windows::Graphics::DirectX::DirectXPixelFormat;
use windows::Graphics::SizeInt32;
use windows::Win32::Foundation::HWND;
use windows::Win32::Graphics::Direct3D11::ID3D11Texture2D;
use windows::Win32::Graphics::Gdi::HMONITOR;
use windows::Win32::System::WinRT::Direct3D11::IDirect3DDxgiInterfaceAccess;
use windows::Win32::System::WinRT::Graphics::Capture::IGraphicsCaptureItemInterop;
use windows::core::{IInspectable, Interface, Result};

/// Pictures on their way: one is read while the next is drawn.
const BUFFERS: i32 = 2;
/// How long the first picture is waited for.
const FIRST: Duration = Duration::from_secs(1);

/// What is shown, by the system's handle.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Window(u32),
    Screen(isize),
}

/// What the session has told, on threads of the system's.
struct Told {
    shared: Arc<Shared>,
    news: AtomicBool,
    over: AtomicBool,
}

impl Told {
    fn note(&self, what: &AtomicBool) {
        what.store(true, Ordering::Release);
        self.shared.bell.ring();
    }
}

/// A picture, until it is given back.
pub(super) struct Picture {
    pub texture: ID3D11Texture2D,
    /// How much of the texture is the picture.
    pub size: Size,
    frame: Direct3D11CaptureFrame,
}

pub(super) struct Session {
    subject: Subject,
    direct3d: windows::Graphics::DirectX::Direct3D11::IDirect3DDevice,
    /// As long as it is kept, its end is told.
    _item: GraphicsCaptureItem,
    pool: Direct3D11CaptureFramePool,
    session: GraphicsCaptureSession,
    /// The size of the pictures that are drawn.
    size: Size,
    told: Arc<Told>,
    is_new: bool,
}

fn item_of(subject: Subject) -> Result<GraphicsCaptureItem> {
    let interop = windows::core::factory::<GraphicsCaptureItem, IGraphicsCaptureItemInterop>()?;
    // SAFETY: handles may be anything, and what is none is an error.
    unsafe {
        match subject {
            Subject::Window(id) => interop.CreateForWindow(HWND(id.cast_signed() as isize as *mut _)),
            Subject::Screen(handle) => interop.CreateForMonitor(HMONITOR(handle as *mut _)),
        }
    }
}

impl Session {
    pub fn start(device: &Device, subject: Subject, shared: &Arc<Shared>) -> Result<Self> {
        let item = item_of(subject)?;
        let SizeInt32 { Width: width, Height: height } = item.Size()?;
        let size = Size::new(width.max(1).unsigned_abs(), height.max(1).unsigned_abs());
        let direct3d = device.direct3d()?;
        let format = DirectXPixelFormat::B8G8R8A8UIntNormalized;
        let pool =
            Direct3D11CaptureFramePool::CreateFreeThreaded(&direct3d, format, BUFFERS, told_size(size))?;
        let session = pool.CreateCaptureSession(&item)?;
        let with_pointer = shared.options.cursor;
        match session.SetIsCursorCaptureEnabled(with_pointer) {
            // it is in the picture where this cannot be said
            Err(error) if !with_pointer => return Err(error),
            _ => {}
        }
        // Windows 11 lets go of the yellow border around what is captured
        let _ = session.SetIsBorderRequired(false);
        let told = Arc::new(Told {
            shared: shared.clone(),
            news: AtomicBool::new(false),
            over: AtomicBool::new(false),
        });
        let (arrived, closed) = (told.clone(), told.clone());
        pool.FrameArrived(&TypedEventHandler::<Direct3D11CaptureFramePool, IInspectable>::new(
            move |_, _| {
                arrived.note(&arrived.news);
                Ok(())
            },
        ))?;
        item.Closed(&TypedEventHandler::<GraphicsCaptureItem, IInspectable>::new(move |_, _| {
            closed.note(&closed.over);
            Ok(())
        }))?;
        let this = Self { subject, direct3d, _item: item, pool, session, size, told, is_new: true };
        this.session.StartCapture()?;
        tracing::debug!("{}: seen by {}", shared.name, super::NAME);
        Ok(this)
    }

    /// Whether it shows that, and goes on.
    pub fn is_of(&self, subject: Subject) -> bool {
        self.subject == subject && !self.told.over.load(Ordering::Acquire)
    }

    /// Whether there is a picture to read, or the end to be told of.
    pub fn has_news(&self) -> bool {
        self.told.news.load(Ordering::Acquire) || self.told.over.load(Ordering::Acquire)
    }

    /// The newest picture since the last; the first of all is waited for.
    pub fn newest(&mut self) -> Result<Option<Picture>> {
        let deadline = Deadline::after(FIRST);
        loop {
            self.told.news.store(false, Ordering::Release);
            let mut newest = None;
            while let Some(frame) = self.next()? {
                newest = Some(frame);
            }
            if let Some(frame) = newest {
                self.is_new = false;
                return self.picture(frame).map(Some);
            }
            let is_over = self.told.over.load(Ordering::Acquire) || self.told.shared.cancel.is_cancelled();
            if !self.is_new || is_over || deadline.has_passed() {
                return Ok(None);
            }
            self.told.shared.bell.wait(deadline.left(LOOK));
        }
    }

    fn next(&self) -> Result<Option<Direct3D11CaptureFrame>> {
        match self.pool.TryGetNextFrame() {
            Ok(frame) => Ok(Some(frame)),
            // none, and no fault
            Err(error) if error.code().is_ok() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn picture(&self, frame: Direct3D11CaptureFrame) -> Result<Picture> {
        let content = frame.ContentSize()?;
        let cut = |content: i32, drawn: u32| content.max(0).unsigned_abs().min(drawn);
        let size = Size::new(cut(content.Width, self.size.width), cut(content.Height, self.size.height));
        let access: IDirect3DDxgiInterfaceAccess = frame.Surface()?.cast()?;
        // SAFETY: asks for what the surface is.
        let texture = unsafe { access.GetInterface() }?;
        Ok(Picture { texture, size, frame })
    }

    /// Gives a picture back that was read. If what it shows has another size by now, so have those that follow.
    pub fn done_with(&mut self, picture: Picture) -> Result<()> {
        let content = picture.frame.ContentSize()?;
        drop(picture.texture);
        picture.frame.Close()?;
        if let Some(size) = resized(self.size, (content.Width, content.Height)) {
            let format = DirectXPixelFormat::B8G8R8A8UIntNormalized;
            self.pool.Recreate(&self.direct3d, format, BUFFERS, told_size(size))?;
            self.size = size;
        }
        Ok(())
    }
}

fn told_size(size: Size) -> SizeInt32 {
    SizeInt32 { Width: size.width.cast_signed(), Height: size.height.cast_signed() }
}

impl Drop for Session {
    fn drop(&mut self) {
        // what they said is forgotten with them
        let _ = self.session.Close();
        let _ = self.pool.Close();
    }
}
