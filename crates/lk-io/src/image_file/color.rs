// SPDX-License-Identifier: GPL-2.0-or-later
//! ICC profiles: everything becomes sRGB.

use image::{ColorType, DynamicImage, GrayAlphaImage, GrayImage, ImageBuffer, RgbImage, RgbaImage};
use moxcms::{ColorProfile, DataColorSpace, Layout, RenderingIntent, TransformExecutor, TransformOptions};
use std::sync::Arc;

/// Colours up to this far apart are the same: profiles that say sRGB in other numbers are off by rounding.
const SAME: u8 = 1;

/// Makes sRGB of one kind of pixels.
pub(super) struct Converter {
    profile: ColorProfile,
    gray: bool,
}

impl Converter {
    /// None if the profile changes nothing, and if it cannot be used: that is a warning, and the picture is
    /// taken for sRGB.
    pub fn new(profile: &[u8], pixels: ColorType, name: &str) -> Option<Self> {
        Self::try_new(profile, pixels).unwrap_or_else(|reason| {
            tracing::warn!("{name}: colour profile ignored: {reason}");
            None
        })
    }

    fn try_new(profile: &[u8], pixels: ColorType) -> Result<Option<Self>, String> {
        let profile = ColorProfile::new_from_slice(profile).map_err(|error| error.to_string())?;
        let gray = match profile.color_space {
            DataColorSpace::Rgb => false,
            DataColorSpace::Gray if !pixels.has_color() => true,
            other => return Err(format!("it is for {other:?} pictures")),
        };
        let converter = Self { profile, gray };
        Ok((!converter.is_identity()?).then_some(converter))
    }

    fn options() -> TransformOptions {
        TransformOptions {
            // white stays white and what sRGB can show stays what it is, as in browsers
            rendering_intent: RenderingIntent::RelativeColorimetric,
            prefer_fixed_point: false,
            ..TransformOptions::default()
        }
    }

    fn transform_8(
        &self,
        from: Layout,
        to: Layout,
    ) -> Result<Arc<dyn TransformExecutor<u8> + Send + Sync>, String> {
        let srgb = ColorProfile::new_srgb();
        self.profile
            .create_transform_8bit(from, &srgb, to, Self::options())
            .map_err(|error| error.to_string())
    }

    fn transform_16(
        &self,
        from: Layout,
        to: Layout,
    ) -> Result<Arc<dyn TransformExecutor<u16> + Send + Sync>, String> {
        let srgb = ColorProfile::new_srgb();
        self.profile
            .create_transform_16bit(from, &srgb, to, Self::options())
            .map_err(|error| error.to_string())
    }

    /// Whether colours all over the cube stay what they are.
    fn is_identity(&self) -> Result<bool, String> {
        let (layout, probe) = if self.gray {
            (Layout::Gray, (0..=255).collect::<Vec<u8>>())
        } else {
            let steps = || (0..=255u8).step_by(15);
            let colours = steps().flat_map(|r| steps().flat_map(move |g| steps().map(move |b| [r, g, b])));
            (Layout::Rgb, colours.flatten().collect())
        };
        let wanted = if self.gray { probe.iter().flat_map(|v| [*v; 3]).collect() } else { probe.clone() };
        let mut got = vec![0; wanted.len()];
        self.transform_8(layout, Layout::Rgb)?
            .transform(&probe, &mut got)
            .map_err(|error| error.to_string())?;
        Ok(got.iter().zip(&wanted).all(|(a, b)| a.abs_diff(*b) <= SAME))
    }

    /// The picture in sRGB.
    pub fn convert(&self, image: DynamicImage, name: &str) -> DynamicImage {
        // grey pixels of an RGB profile are RGB pixels
        let image = match image {
            image if self.gray || image.color().has_color() => image,
            DynamicImage::ImageLuma8(_) => image.into_rgb8().into(),
            DynamicImage::ImageLumaA8(_) => image.into_rgba8().into(),
            DynamicImage::ImageLuma16(_) => image.into_rgb16().into(),
            _ => image.into_rgba16().into(),
        };
        match self.try_convert(&image) {
            Ok(converted) => converted,
            Err(reason) => {
                tracing::warn!("{name}: colour profile ignored: {reason}");
                image
            }
        }
    }

    fn try_convert(&self, image: &DynamicImage) -> Result<DynamicImage, String> {
        let (width, height) = (image.width(), image.height());
        let alpha = image.color().has_alpha();
        let from = match (self.gray, alpha) {
            (true, false) => Layout::Gray,
            (true, true) => Layout::GrayAlpha,
            (false, false) => Layout::Rgb,
            (false, true) => Layout::Rgba,
        };
        let (to, channels) = if alpha { (Layout::Rgba, 4) } else { (Layout::Rgb, 3) };
        let len = width as usize * height as usize * channels;
        let wide = |pixels: &[u16]| {
            let mut out = vec![0; len];
            self.transform_16(from, to)?.transform(pixels, &mut out).map_err(|error| error.to_string())?;
            let out = if alpha {
                ImageBuffer::from_raw(width, height, out).map(DynamicImage::ImageRgba16)
            } else {
                ImageBuffer::from_raw(width, height, out).map(DynamicImage::ImageRgb16)
            };
            out.ok_or_else(|| "the sizes differ".to_owned())
        };
        let narrow = |pixels: &[u8]| {
            let mut out = vec![0; len];
            self.transform_8(from, to)?.transform(pixels, &mut out).map_err(|error| error.to_string())?;
            let out = if alpha {
                RgbaImage::from_raw(width, height, out).map(DynamicImage::ImageRgba8)
            } else {
                RgbImage::from_raw(width, height, out).map(DynamicImage::ImageRgb8)
            };
            out.ok_or_else(|| "the sizes differ".to_owned())
        };
        match image {
            DynamicImage::ImageLuma8(pixels) => narrow(GrayImage::as_raw(pixels)),
            DynamicImage::ImageLumaA8(pixels) => narrow(GrayAlphaImage::as_raw(pixels)),
            DynamicImage::ImageRgb8(pixels) => narrow(pixels.as_raw()),
            DynamicImage::ImageRgba8(pixels) => narrow(pixels.as_raw()),
            DynamicImage::ImageLuma16(pixels) => wide(pixels.as_raw()),
            DynamicImage::ImageLumaA16(pixels) => wide(pixels.as_raw()),
            DynamicImage::ImageRgb16(pixels) => wide(pixels.as_raw()),
            DynamicImage::ImageRgba16(pixels) => wide(pixels.as_raw()),
            other => Err(format!("{:?} pixels have no profiles", other.color())),
        }
    }
}
