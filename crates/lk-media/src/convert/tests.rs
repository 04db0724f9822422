// SPDX-License-Identifier: GPL-2.0-or-later
//! Every conversion against a slow reference in real numbers.

use crate::frame::PlaneLayout;
use crate::kernel::portable_only;
use crate::{
    AlphaKind, ColorSpace, Frame, FrameSpec, HostMemory, Matrix, PixelFormat, Range, Siting, Size, Timestamp,
};

/// A small generator of numbers that look random (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
}

/// Planes with wide strides and garbage behind each row; the last row of each ends where the picture does.
struct Padded(Vec<(PlaneLayout, Vec<u8>)>);

impl HostMemory for Padded {
    fn layout(&self, plane: usize) -> PlaneLayout {
        self.0[plane].0
    }
    fn plane(&self, plane: usize) -> &[u8] {
        &self.0[plane].1
    }
}

fn random_frame(spec: FrameSpec, numbers: &mut Numbers) -> Frame {
    let planes = (0..spec.format.planes()).map(|plane| {
        let (width, rows) = spec.format.plane_extent(spec.size, plane);
        let stride = width + (numbers.next() % 9) as usize;
        // a mix of noise and extremes, so that clamping is seen
        let bytes = (0..stride * (rows - 1) + width).map(|_| match numbers.next() % 8 {
            0 => 0,
            1 => 255,
            _ => (numbers.next() >> 32) as u8,
        });
        let mut bytes: Vec<u8> = bytes.collect();
        if spec.alpha == AlphaKind::Premultiplied {
            for row in bytes.chunks_mut(stride) {
                for [x, y, z, a] in row[..width].as_chunks_mut::<4>().0 {
                    (*x, *y, *z) = (*x.min(a), *y.min(a), *z.min(a));
                }
            }
        }
        (PlaneLayout { stride, rows }, bytes)
    });
    Frame::from_memory(spec, Box::new(Padded(planes.collect())), Timestamp::from_nanos(42)).expect("converts")
}

/// A picture as components on their own grids: (R, G, B, A) or (Y, U, V).
struct Components {
    spec: FrameSpec,
    grids: Vec<Grid>,
}

struct Grid {
    columns: usize,
    values: Vec<f64>,
}

impl Grid {
    fn at(&self, x: i64, y: i64) -> f64 {
        let rows = self.values.len() / self.columns;
        let (x, y) = (x.clamp(0, self.columns as i64 - 1), y.clamp(0, rows as i64 - 1));
        self.values[y as usize * self.columns + x as usize]
    }

    fn bilinear(&self, x: f64, y: f64) -> f64 {
        let (x0, y0) = (x.floor(), y.floor());
        let (fx, fy) = (x - x0, y - y0);
        let row = |y: i64| self.at(x0 as i64, y) * (1.0 - fx) + self.at(x0 as i64 + 1, y) * fx;
        row(y0 as i64) * (1.0 - fy) + row(y0 as i64 + 1) * fy
    }
}

impl Components {
    fn of(frame: &Frame) -> Self {
        let (spec, map) = (frame.spec(), frame.map_native());
        let byte = |plane: usize, x: usize, y: usize| f64::from(map.plane(plane).row(y)[x]);
        let grid = |columns: u32, rows: u32, f: &dyn Fn(usize, usize) -> f64| Grid {
            columns: columns as usize,
            values: (0..rows as usize).flat_map(|y| (0..columns as usize).map(move |x| f(x, y))).collect(),
        };
        let Size { width: w, height: h } = spec.size;
        let (cw, ch) = (w.div_ceil(2), h.div_ceil(spec.format.chroma_step().1));
        let grids = match spec.format {
            PixelFormat::I420 => vec![
                grid(w, h, &|x, y| byte(0, x, y)),
                grid(cw, ch, &|x, y| byte(1, x, y)),
                grid(cw, ch, &|x, y| byte(2, x, y)),
            ],
            PixelFormat::Nv12 => vec![
                grid(w, h, &|x, y| byte(0, x, y)),
                grid(cw, ch, &|x, y| byte(1, 2 * x, y)),
                grid(cw, ch, &|x, y| byte(1, 2 * x + 1, y)),
            ],
            PixelFormat::Yuy2 => vec![
                grid(w, h, &|x, y| byte(0, 2 * x, y)),
                grid(cw, ch, &|x, y| byte(0, 4 * x + 1, y)),
                grid(cw, ch, &|x, y| byte(0, 4 * x + 3, y)),
            ],
            PixelFormat::Bgra | PixelFormat::Bgr | PixelFormat::Rgba | PixelFormat::Rgb => {
                let step = if spec.format.has_alpha() { 4 } else { 3 };
                let order = if super::rgb::is_bgr(spec.format) { [2, 1, 0] } else { [0, 1, 2] };
                let mut grids: Vec<Grid> =
                    order.map(|c| grid(w, h, &|x, y| byte(0, x * step + c, y))).into_iter().collect();
                let alpha = |x, y| {
                    if spec.format.has_alpha() { byte(0, x * 4 + 3, y) } else { 255.0 }
                };
                grids.push(grid(w, h, &alpha));
                grids
            }
        };
        Self { spec, grids }
    }

    fn opaque(&self) -> bool {
        !self.spec.format.has_alpha() || self.spec.alpha == AlphaKind::Opaque
    }

    /// Chroma at a place on the luma grid.
    fn chroma(&self, component: usize, place: (f64, f64)) -> f64 {
        let step = self.spec.format.chroma_step();
        let origin = self.spec.color.siting.origin(step);
        let index = |p: f64, o: f64, s: u32| (p - o) / f64::from(s);
        self.grids[component].bilinear(index(place.0, origin.0, step.0), index(place.1, origin.1, step.1))
    }

    /// YUV at a pixel, the chroma bilinear.
    fn yuv(&self, x: i64, y: i64) -> [f64; 3] {
        let Size { width, height } = self.spec.size;
        let (x, y) = (x.clamp(0, i64::from(width) - 1), y.clamp(0, i64::from(height) - 1));
        let place = (x as f64 + 0.5, y as f64 + 0.5);
        [self.grids[0].at(x, y), self.chroma(1, place), self.chroma(2, place)]
    }

    /// Straight RGB bytes and alpha at a pixel of an RGB picture.
    fn straight(&self, x: i64, y: i64) -> [f64; 4] {
        let [r, g, b, a] = [0, 1, 2, 3].map(|c| self.grids[c].at(x, y));
        match self.spec.alpha {
            _ if self.opaque() => [r, g, b, 255.0],
            AlphaKind::Premultiplied if a == 0.0 => [0.0; 4],
            AlphaKind::Premultiplied => {
                let [r, g, b] = [r, g, b].map(|c| (c * 255.0 / a).round().min(255.0));
                [r, g, b, a]
            }
            _ => [r, g, b, a],
        }
    }

    /// The real values that a conversion to `to` must show, component by component.
    fn wanted(&self, to: FrameSpec) -> Vec<Vec<f64>> {
        let (w, h) = (i64::from(to.size.width), i64::from(to.size.height));
        let pixels = || (0..h).flat_map(|y| (0..w).map(move |x| (x, y)));
        if !to.format.is_yuv() {
            let alpha = if to.format.has_alpha() { to.alpha } else { AlphaKind::Opaque };
            let colour = |x, y| {
                if self.spec.format.is_yuv() {
                    let [r, g, b] = self.spec.color.yuv_to_rgb(self.yuv(x, y));
                    return [r, g, b, 255.0];
                }
                if alpha == AlphaKind::Premultiplied && self.spec.alpha == alpha && !self.opaque() {
                    return [0, 1, 2, 3].map(|c| self.grids[c].at(x, y)); // nothing to do
                }
                let [r, g, b, a] = self.straight(x, y);
                match alpha {
                    AlphaKind::Opaque => [r, g, b, 255.0],
                    AlphaKind::Straight => [r, g, b, a],
                    AlphaKind::Premultiplied => [r * a / 255.0, g * a / 255.0, b * a / 255.0, a],
                }
            };
            return (0..4).map(|c| pixels().map(|(x, y)| colour(x, y)[c]).collect()).collect();
        }
        let same_numbers = self.spec.format.is_yuv()
            && (self.spec.color.matrix, self.spec.color.range) == (to.color.matrix, to.color.range);
        let full = |x, y| {
            if self.spec.format.is_yuv() {
                to.color.rgb_to_yuv(self.spec.color.yuv_to_rgb(self.yuv(x, y)))
            } else {
                let [r, g, b, _] = self.straight(x.clamp(0, w - 1), y.clamp(0, h - 1));
                to.color.rgb_to_yuv([r, g, b])
            }
        };
        let luma = |x, y| {
            if same_numbers { self.grids[0].at(x, y) } else { full(x, y)[0] }
        };
        let mut out = vec![pixels().map(|(x, y)| luma(x, y)).collect::<Vec<f64>>()];
        let step = to.format.chroma_step();
        let origin = to.color.siting.origin(step);
        let (cw, ch) = (to.size.width.div_ceil(step.0), to.size.height.div_ceil(step.1));
        for component in [1, 2] {
            let sites = (0..ch).flat_map(|j| (0..cw).map(move |i| (i, j)));
            let sample = |(i, j): (u32, u32)| {
                let site = (origin.0 + f64::from(i * step.0), origin.1 + f64::from(j * step.1));
                if same_numbers {
                    self.moved_chroma(component, site, step.1)
                } else {
                    mean(site, step, |x, y| full(x, y)[component])
                }
            };
            out.push(sites.map(sample).collect());
        }
        out
    }

    /// Chroma straight from grid to grid: bilinear, or over two rows when every row has chroma and every
    /// second is wanted.
    fn moved_chroma(&self, component: usize, site: (f64, f64), step_down: u32) -> f64 {
        if self.spec.format.chroma_step().1 >= step_down {
            return self.chroma(component, site);
        }
        let halves = [-0.75, -0.25, 0.25, 0.75];
        halves.iter().map(|d| self.chroma(component, (site.0, (site.1 + d).floor() + 0.5))).sum::<f64>() / 4.0
    }
}

/// The mean over a box of `step` pixels around `site`, in quarters of pixels.
fn mean(site: (f64, f64), step: (u32, u32), f: impl Fn(i64, i64) -> f64) -> f64 {
    let parts = |centre: f64, step: u32| {
        let n = step * 4;
        (0..n).map(move |k| (centre - f64::from(step) / 2.0 + (f64::from(k) + 0.5) / 4.0).floor() as i64)
    };
    let values: Vec<f64> = parts(site.1, step.1)
        .flat_map(|y| parts(site.0, step.0).map(move |x| (x, y)))
        .map(|(x, y)| f(x, y))
        .collect();
    values.iter().sum::<f64>() / values.len() as f64
}

fn specs(size: Size) -> Vec<FrameSpec> {
    let mut specs = Vec::new();
    for format in PixelFormat::ALL {
        let spec = FrameSpec::of(format, size);
        if format.is_yuv() {
            let matrices = [Matrix::Bt601, Matrix::Bt709, Matrix::Bt2020];
            let sitings = [Siting::Left, Siting::Center, Siting::TopLeft];
            for (matrix, range, siting) in matrices.into_iter().flat_map(|m| {
                [Range::Limited, Range::Full].into_iter().flat_map(move |r| sitings.map(move |s| (m, r, s)))
            }) {
                specs.push(spec.with_color(ColorSpace { matrix, range, siting }));
            }
        } else if format.has_alpha() {
            let kinds = [AlphaKind::Opaque, AlphaKind::Straight, AlphaKind::Premultiplied];
            specs.extend(kinds.map(|kind| spec.with_alpha(kind)));
        } else {
            specs.push(spec);
        }
    }
    specs
}

/// Fails unless every byte of `got` is the nearest to the reference, up to the noise of 32-bit numbers.
fn assert_near(source: &Frame, got: &Frame, strict: f64) {
    let wanted = Components::of(source).wanted(got.spec());
    for (component, (want, have)) in wanted.iter().zip(&Components::of(got).grids).enumerate() {
        for (i, (want, have)) in want.iter().zip(&have.values).enumerate() {
            assert!(
                (want.clamp(0.0, 255.0) - have).abs() <= strict,
                "{:?} -> {:?}: component {component}, sample {i} is {have}, should be {want}",
                source.spec(),
                got.spec()
            );
        }
    }
}

#[test]
fn every_pair_agrees_with_the_reference() {
    let mut numbers = Numbers(1);
    for (width, height) in [(1, 1), (1, 2), (2, 1), (7, 5), (16, 4)] {
        let size = Size::new(width, height);
        for from in specs(size) {
            let source = random_frame(from, &mut numbers);
            for to in specs(size) {
                let got = super::convert(&source, to).expect("converts");
                assert_eq!((got.spec(), got.timestamp()), (to, source.timestamp()));
                assert_near(&source, &got, 0.503);
            }
        }
    }
}

#[test]
fn a_wider_picture_agrees_with_the_reference_and_with_itself_without_avx2() {
    // wide enough for the vector loops and their remainders
    let mut numbers = Numbers(2);
    let size = Size::new(147, 9);
    let all = specs(size);
    for (k, &from) in all.iter().enumerate() {
        let source = random_frame(from, &mut numbers);
        for step in 0..9 {
            let to = all[(k + step * 7 + 1) % all.len()];
            let got = super::convert(&source, to).expect("converts");
            assert_near(&source, &got, 0.503);
            portable_only(true);
            let portable = super::convert(&source, to).expect("converts");
            portable_only(false);
            assert_eq!(got.map_native().to_packed(), portable.map_native().to_packed(), "{from:?} -> {to:?}");
        }
    }
}

#[test]
fn colour_bars_come_out_right_and_go_back() {
    // published codes of 100 % and 75 % bars: Y, Cb, Cr of yellow, cyan, green, magenta, red, blue
    type Bars = [([u8; 3], [u8; 3]); 6];
    let rgb = |level: u8| {
        let [r, g, b] = [[level, 0, 0], [0, level, 0], [0, 0, level]];
        let add = |a: [u8; 3], b: [u8; 3]| [a[0] | b[0], a[1] | b[1], a[2] | b[2]];
        [add(r, g), add(g, b), g, add(r, b), r, b]
    };
    let bars = |level, codes: [[u8; 3]; 6]| -> Bars {
        let rgb = rgb(level);
        std::array::from_fn(|i| (codes[i], rgb[i]))
    };
    let bt601_100 =
        [[210, 16, 146], [170, 166, 16], [145, 54, 34], [106, 202, 222], [81, 90, 240], [41, 240, 110]];
    let bt601_75 =
        [[162, 44, 142], [131, 156, 44], [112, 72, 58], [84, 184, 198], [65, 100, 212], [35, 212, 114]];
    let bt709_100 =
        [[219, 16, 138], [188, 154, 16], [173, 42, 26], [78, 214, 230], [63, 102, 240], [32, 240, 118]];
    let bt709_75 =
        [[168, 44, 136], [145, 147, 44], [133, 63, 52], [63, 193, 204], [51, 109, 212], [28, 212, 120]];
    let full = ColorSpace { range: Range::Full, ..ColorSpace::BT709 };
    let full_709 =
        [[237, 0, 140], [201, 157, 0], [182, 30, 12], [73, 226, 244], [54, 98, 255], [18, 255, 116]];
    let jpeg = [[226, 0, 149], [179, 171, 0], [150, 43, 21], [105, 213, 235], [76, 85, 255], [29, 255, 107]];
    for (color, bars) in [
        (ColorSpace::BT601, bars(255, bt601_100)),
        (ColorSpace::BT601, bars(191, bt601_75)),
        (ColorSpace::BT709, bars(255, bt709_100)),
        (ColorSpace::BT709, bars(191, bt709_75)),
        (full, bars(255, full_709)),
        (ColorSpace::JPEG, bars(255, jpeg)),
    ] {
        for (yuv, rgb) in bars {
            for format in [PixelFormat::I420, PixelFormat::Nv12, PixelFormat::Yuy2] {
                let size = Size::new(4, 4);
                let spec = FrameSpec::of(format, size).with_color(color);
                let packed = match format {
                    PixelFormat::I420 => [vec![yuv[0]; 16], vec![yuv[1]; 4], vec![yuv[2]; 4]].concat(),
                    PixelFormat::Nv12 => [vec![yuv[0]; 16], [yuv[1], yuv[2]].repeat(4)].concat(),
                    _ => [yuv[0], yuv[1], yuv[0], yuv[2]].repeat(8),
                };
                let bar = Frame::from_packed(spec, &packed, Timestamp::ZERO).expect("converts");
                let colour = bar.convert(FrameSpec::of(PixelFormat::Rgb, size)).expect("converts");
                // a code is rounded to half a step, and a step of limited chroma is up to 2.1 steps of blue
                for (got, want) in colour.map_native().to_packed().iter().zip(rgb.repeat(16)) {
                    assert!(got.abs_diff(want) <= 1, "{color:?} {yuv:?}: {got} for {want}");
                }
                let flat = Frame::from_packed(
                    FrameSpec::of(PixelFormat::Rgb, size),
                    &rgb.repeat(16),
                    Timestamp::ZERO,
                );
                let back = flat.expect("converts").convert(spec).expect("converts").map_native().to_packed();
                for (got, want) in back.iter().zip(&packed) {
                    assert!(got.abs_diff(*want) <= 1, "{color:?} {rgb:?}: {back:?} for {yuv:?}");
                }
            }
        }
    }
}

#[test]
fn repacking_keeps_every_byte() {
    let mut numbers = Numbers(3);
    for (width, height) in [(1, 1), (7, 5), (64, 34)] {
        let size = Size::new(width, height);
        let i420 = FrameSpec::of(PixelFormat::I420, size);
        let source = random_frame(i420, &mut numbers);
        let nv12 = super::convert(&source, FrameSpec::of(PixelFormat::Nv12, size)).expect("converts");
        let back = super::convert(&nv12, i420).expect("converts");
        assert_eq!(back.map_native().to_packed(), source.map_native().to_packed());
        let half = size.width.div_ceil(2) as usize;
        for y in 0..size.height.div_ceil(2) as usize {
            let (planar, packed) = (source.map_native(), nv12.map_native());
            for x in 0..half {
                assert_eq!(packed.plane(1).row(y)[2 * x], planar.plane(1).row(y)[x]);
                assert_eq!(packed.plane(1).row(y)[2 * x + 1], planar.plane(2).row(y)[x]);
            }
        }
        // and so do orders of components
        let bgra = random_frame(FrameSpec::of(PixelFormat::Bgra, size), &mut numbers);
        let swapped = super::convert(&bgra, FrameSpec::of(PixelFormat::Rgba, size)).expect("converts");
        let again = super::convert(&swapped, bgra.spec()).expect("converts");
        assert_eq!(again.map_native().to_packed(), bgra.map_native().to_packed());
    }
}

#[test]
fn another_size_is_refused() {
    let frame = random_frame(FrameSpec::of(PixelFormat::Bgr, Size::new(4, 4)), &mut Numbers(4));
    let error = frame.convert(FrameSpec::of(PixelFormat::Bgr, Size::new(4, 5))).expect_err("another size");
    assert_eq!(error.kind(), crate::ErrorKind::Format);
}

/// Not a test of anything: prints how long a 1080p conversion takes on one thread.
/// `cargo test --profile ci -p lk-media -- --ignored --nocapture timing`
#[test]
#[ignore = "prints timings"]
fn timing() {
    let size = Size::new(1920, 1080);
    let spec = |format| FrameSpec::of(format, size);
    let premultiplied = spec(PixelFormat::Rgba).with_alpha(AlphaKind::Premultiplied);
    let mut numbers = Numbers(5);
    for portable in [false, true] {
        portable_only(portable);
        let mut pairs: Vec<(FrameSpec, FrameSpec)> = PixelFormat::ALL
            .into_iter()
            .flat_map(|from| PixelFormat::ALL.into_iter().map(move |to| (from, to)))
            .filter(|(from, to)| from != to)
            .map(|(from, to)| (spec(from), spec(to)))
            .collect();
        pairs.extend(PixelFormat::ALL.map(|from| (spec(from), premultiplied)));
        pairs.push((premultiplied, spec(PixelFormat::Bgra)));
        pairs.push((premultiplied, spec(PixelFormat::I420)));
        pairs.push((spec(PixelFormat::I420), spec(PixelFormat::I420).with_color(ColorSpace::BT601)));
        for (from, to) in pairs {
            let source = random_frame(from, &mut numbers);
            let run = || {
                let start = crate::clock::Stopwatch::start();
                super::convert(&source, to).expect("converts");
                start.elapsed()
            };
            let best = (0..8).map(|_| run()).min().unwrap_or_default();
            let simd = if portable { "portable" } else { "best" };
            println!(
                "{simd:8} {:>8} -> {:>8} {:?} {best:.2?}",
                from.format.name(),
                to.format.name(),
                to.alpha
            );
        }
    }
}
