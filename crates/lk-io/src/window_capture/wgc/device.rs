// SPDX-License-Identifier: GPL-2.0-or-later
//! Direct3D 11: where pictures are drawn, and how they get from there into memory of ours. Its libraries are loaded when
//! a capture is opened; nothing of it is linked.
#![allow(unsafe_code)] // calls of the system

use crate::window_capture::Region;
use crate::window_capture::win32::screens::system_library;
use lk_media::Size;
use std::ffi::c_void;
use std::ptr::{null, null_mut};
use windows::Graphics::DirectX::Direct3D11::IDirect3DDevice;
use windows::Win32::Foundation::{E_NOTIMPL, E_POINTER, HMODULE};
use windows::Win32::Graphics::Direct3D::{
    D3D_DRIVER_TYPE, D3D_DRIVER_TYPE_HARDWARE, D3D_DRIVER_TYPE_WARP, D3D_FEATURE_LEVEL,
};
use windows::Win32::Graphics::Direct3D11::{
    D3D11_BOX, D3D11_CPU_ACCESS_READ, D3D11_CREATE_DEVICE_BGRA_SUPPORT, D3D11_MAP_READ,
    D3D11_MAPPED_SUBRESOURCE, D3D11_SDK_VERSION, D3D11_TEXTURE2D_DESC, D3D11_USAGE_STAGING, ID3D11Device,
    ID3D11DeviceContext, ID3D11Texture2D,
};
use windows::Win32::Graphics::Dxgi::Common::{DXGI_FORMAT_B8G8R8A8_UNORM, DXGI_SAMPLE_DESC};
use windows::Win32::Graphics::Dxgi::IDXGIDevice;
use windows::core::{HRESULT, IInspectable, Interface, Result, Type};

type CreateDevice = unsafe extern "system" fn(
    *mut c_void,
    D3D_DRIVER_TYPE,
    HMODULE,
    u32,
    *const D3D_FEATURE_LEVEL,
    u32,
    u32,
    *mut *mut c_void,
    *mut D3D_FEATURE_LEVEL,
    *mut *mut c_void,
) -> HRESULT;
type WrapDevice = unsafe extern "system" fn(*mut c_void, *mut *mut c_void) -> HRESULT;

/// A device, and memory that the processor can read.
pub(super) struct Device {
    staging: Option<(Size, ID3D11Texture2D)>,
    context: ID3D11DeviceContext,
    device: ID3D11Device,
    // the last to go
    library: libloading::os::windows::Library,
}

impl Device {
    /// The graphics card, or the processor where there is none.
    pub fn new() -> Result<Self> {
        let library = system_library("d3d11.dll").ok_or(E_NOTIMPL)?;
        // SAFETY: the function is as the system declares it.
        let create = unsafe { library.get::<CreateDevice>(b"D3D11CreateDevice\0") }.map_err(|_| E_NOTIMPL)?;
        let made = make(*create, D3D_DRIVER_TYPE_HARDWARE).or_else(|_| make(*create, D3D_DRIVER_TYPE_WARP));
        let (device, context) = made?;
        Ok(Self { staging: None, context, device, library })
    }

    /// The same as Windows.Graphics.Capture knows it.
    pub fn direct3d(&self) -> Result<IDirect3DDevice> {
        let name = b"CreateDirect3D11DeviceFromDXGIDevice\0";
        let device: IDXGIDevice = self.device.cast()?;
        let mut made = null_mut();
        // SAFETY: the function is as the system declares it, and writes one pointer that is ours then.
        let wrapped: IInspectable = unsafe {
            let wrap = self.library.get::<WrapDevice>(name).map_err(|_| E_NOTIMPL)?;
            wrap(device.as_raw(), &raw mut made).ok()?;
            Type::from_abi(made)?
        };
        wrapped.cast()
    }

    /// Copies a part of a texture to where it can be read, and hands over its bytes and how many there are from row to
    /// row. The part must lie in the texture.
    pub fn read<T>(
        &mut self,
        texture: &ID3D11Texture2D,
        part: Region,
        with: impl FnOnce(&[u8], usize) -> T,
    ) -> Result<T> {
        let staging = self.staging(part.size)?;
        let edges = D3D11_BOX {
            left: part.x,
            top: part.y,
            front: 0,
            right: part.x + part.size.width,
            bottom: part.y + part.size.height,
            back: 1,
        };
        let mut mapped = D3D11_MAPPED_SUBRESOURCE::default();
        // SAFETY: both textures are there through the calls; what is mapped is as long as is said here, and is read
        // before it is given back. A box that does not lie in the texture copies nothing.
        unsafe {
            self.context.CopySubresourceRegion(&staging, 0, 0, 0, 0, texture, 0, Some(&raw const edges));
            self.context.Map(&staging, 0, D3D11_MAP_READ, 0, Some(&raw mut mapped))?;
            let pitch = mapped.RowPitch as usize;
            let read = (!mapped.pData.is_null()).then(|| {
                let len = pitch * part.size.height as usize;
                with(std::slice::from_raw_parts(mapped.pData.cast_const().cast(), len), pitch)
            });
            self.context.Unmap(&staging, 0);
            read.ok_or_else(|| E_POINTER.into())
        }
    }

    fn staging(&mut self, size: Size) -> Result<ID3D11Texture2D> {
        if let Some((_, texture)) = self.staging.as_ref().filter(|(there, _)| *there == size) {
            return Ok(texture.clone());
        }
        self.staging = None;
        let about = D3D11_TEXTURE2D_DESC {
            Usage: D3D11_USAGE_STAGING,
            CPUAccessFlags: D3D11_CPU_ACCESS_READ.0.cast_unsigned(),
            ..picture_of(size)
        };
        let texture = make_texture(&self.device, &about)?;
        self.staging = Some((size, texture.clone()));
        Ok(texture)
    }
}

fn make(create: CreateDevice, driver: D3D_DRIVER_TYPE) -> Result<(ID3D11Device, ID3D11DeviceContext)> {
    let flags = D3D11_CREATE_DEVICE_BGRA_SUPPORT.0;
    let (mut device, mut context) = (null_mut(), null_mut());
    // SAFETY: the function is as the system declares it, and writes two pointers that are ours then.
    unsafe {
        create(
            null_mut(),
            driver,
            HMODULE::default(),
            flags,
            null(),
            0,
            D3D11_SDK_VERSION,
            &raw mut device,
            null_mut(),
            &raw mut context,
        )
        .ok()?;
        Ok((Type::from_abi(device)?, Type::from_abi(context)?))
    }
}

/// A picture in BGRA.
fn picture_of(size: Size) -> D3D11_TEXTURE2D_DESC {
    D3D11_TEXTURE2D_DESC {
        Width: size.width,
        Height: size.height,
        MipLevels: 1,
        ArraySize: 1,
        Format: DXGI_FORMAT_B8G8R8A8_UNORM,
        SampleDesc: DXGI_SAMPLE_DESC { Count: 1, Quality: 0 },
        ..D3D11_TEXTURE2D_DESC::default()
    }
}

fn make_texture(device: &ID3D11Device, about: &D3D11_TEXTURE2D_DESC) -> Result<ID3D11Texture2D> {
    let mut made = None;
    // SAFETY: a description of ours, and a place for what is made.
    unsafe { device.CreateTexture2D(about, None, Some(&raw mut made)) }?;
    made.ok_or_else(|| E_POINTER.into())
}

#[cfg(test)]
mod tests;
