// SPDX-License-Identifier: GPL-2.0-or-later
//! Leaves out layers of which nothing is seen: what lies under one opaque layer altogether is not prepared, and a
//! change in it is no damage. What several layers hide only together is left out tile by tile.

use super::geometry::Area;
use super::plan::LayerPlan;
use smallvec::SmallVec;

/// Covers that are compared with each layer below: the largest ones.
const MOST_COVERS: usize = 8;

type Covers = SmallVec<[Area; MOST_COVERS]>;

/// Takes those layers out of `layers` (the lowest first) that lie wholly under one above them.
pub(super) fn leave_out_hidden(layers: &mut Vec<LayerPlan>) {
    // what reads around each sample carries something of the hidden past the edges of the cover
    if layers.iter().any(|l| l.additive_yuv) {
        return;
    }
    let mut covers = Covers::new();
    let mut kept = layers.len();
    for at in (0..layers.len()).rev() {
        let layer = &layers[at];
        if covers.iter().any(|cover| cover.holds(&layer.geometry.visible)) {
            continue;
        }
        if let Some(hides) = &layer.hides {
            remember(&mut covers, hides);
        }
        kept -= 1;
        layers.swap(at, kept);
    }
    layers.drain(..kept);
}

fn remember(covers: &mut Covers, cover: &Area) {
    if covers.len() < MOST_COVERS {
        return covers.push(cover.clone());
    }
    let smallest = covers.iter_mut().min_by_key(|c| c.pixels());
    if let Some(smallest) = smallest.filter(|s| s.pixels() < cover.pixels()) {
        *smallest = cover.clone();
    }
}
