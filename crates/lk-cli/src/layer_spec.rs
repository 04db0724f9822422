// SPDX-License-Identifier: GPL-2.0-or-later
//! `--layer FILE[,key=value]...`: the keys are those of `Compositor.add` in Python.

use crate::audio_spec::hear;
use crate::failure::Failure;
use crate::spec::{Setting, Spec};
use livekit_studio::{Anchor, Blend, Crop, Fit, Flip, Layer, MixerInput, Point, Scene};
use std::time::Duration;

const KEYS: [&str; 21] = [
    "at",
    "size",
    "fit",
    "anchor",
    "margin",
    "crop",
    "flip",
    "rotation",
    "opacity",
    "blend",
    "visible",
    "start",
    "name",
    "slot",
    "loop",
    "audio",
    "gain",
    "mute",
    "pan",
    "mono",
    "sync-offset",
];
const FITS: [(&str, Fit); 4] =
    [("stretch", Fit::Stretch), ("contain", Fit::Contain), ("cover", Fit::Cover), ("none", Fit::None)];
const FLIPS: [(&str, Flip); 3] = [
    ("horizontal", Flip { horizontal: true, vertical: false }),
    ("vertical", Flip { horizontal: false, vertical: true }),
    ("both", Flip { horizontal: true, vertical: true }),
];
const BLENDS: [(&str, Blend); 2] = [("normal", Blend::Normal), ("additive", Blend::Additive)];

/// The farthest from the canvas, and the longest side, in pixels.
const FAR: f64 = 1e6;

/// A file to be shown.
#[derive(Clone, Debug)]
pub(crate) struct LayerSpec {
    /// The path or address.
    pub file: String,
    /// How and where it is shown.
    pub layer: Layer,
    /// Its place in the pile.
    pub slot: Option<u32>,
    /// Whether it starts again at its end.
    pub looping: bool,
    /// Whether its sound is heard, if it has any.
    pub audio: bool,
    /// How its sound is heard, where that is said: then it must have one.
    pub input: Option<MixerInput>,
}

impl LayerSpec {
    /// Reads the value of one `--layer`.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let spec = Spec::parse("--layer", text, &KEYS)?;
        let mut layer = Self {
            file: spec.file,
            layer: Layer::default(),
            slot: None,
            looping: false,
            audio: true,
            input: None,
        };
        for setting in &spec.settings {
            layer.take(setting)?;
        }
        if layer.input.is_some() && !layer.audio {
            return Err(Failure::usage(
                format!(
                    "--layer {}: audio=no leaves no sound for gain, mute, pan, mono or sync-offset",
                    crate::spec::label(&layer.file)
                ),
                "leave out one of them",
            ));
        }
        Ok(layer)
    }

    fn take(&mut self, setting: &Setting<'_>) -> Result<(), Failure> {
        let near = |n: &f64| n.abs() <= FAR;
        let layer = &mut self.layer;
        let place = &mut layer.placement;
        match setting.key.as_str() {
            "at" => {
                let [x, y] = setting.parts(':', "X:Y in pixels, such as 20:-10.5", near)?;
                place.at = Some(Point { x, y });
            }
            "size" => (place.width, place.height) = sides(setting)?,
            "fit" => place.fit = Some(setting.choice(&FITS)?),
            "anchor" => place.anchor = Some(setting.choice(&Anchor::NAMES)?),
            "margin" => place.margin = setting.number(-FAR..=FAR, "a number of pixels")?,
            "crop" => {
                let allowed = "four whole numbers of pixels, LEFT:TOP:RIGHT:BOTTOM, such as 0:60:0:60";
                let [left, top, right, bottom] = setting.parts(':', allowed, |_| true)?;
                layer.crop = Crop { left, top, right, bottom };
            }
            "flip" => layer.flip = setting.choice(&FLIPS)?,
            "rotation" => {
                layer.rotation = setting.number(f64::MIN..=f64::MAX, "a number of degrees clockwise")?
            }
            "opacity" => layer.opacity = setting.number(0.0..=1.0, "a number from 0 to 1")?,
            "blend" => layer.blend = setting.choice(&BLENDS)?,
            "visible" => layer.visible = setting.yes()?,
            "start" => {
                let start = setting.number(0.0..=1e6, "a number of seconds from 0 up")?;
                layer.start = Duration::from_secs_f64(start);
            }
            "name" if setting.value.is_empty() => return Err(setting.refuse("a word or more")),
            "name" => layer.name = Some(setting.value.clone()),
            "slot" => self.slot = Some(setting.whole(0..=Scene::MAX_SLOT, "a whole number from 0 to 65535")?),
            "loop" => self.looping = setting.yes()?,
            "audio" => self.audio = setting.yes()?,
            _ => hear(setting, self.input.get_or_insert_default())?,
        }
        Ok(())
    }
}

/// "420x300", "420x" or "x300".
fn sides(setting: &Setting<'_>) -> Result<(Option<f64>, Option<f64>), Failure> {
    const ALLOWED: &str = "WIDTHxHEIGHT in pixels above 0, such as 420x300; 420x or x300 keeps the shape";
    let side = |text: &str| match text.trim() {
        "" => Ok(None),
        text => setting.parsed(text, ALLOWED, |n: &f64| *n > 0.0 && *n <= FAR).map(Some),
    };
    match setting.value.split_once(['x', 'X']).map(|(w, h)| (side(w), side(h))) {
        Some((Ok(None), Ok(None))) | None => Err(setting.refuse(ALLOWED)),
        Some((width, height)) => Ok((width?, height?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use livekit_studio::Placement;

    fn good(text: &str) -> LayerSpec {
        LayerSpec::parse(text).expect(text)
    }

    #[test]
    fn every_key() {
        let spec = good(
            "clip.mp4,at=20:-10.5,size=420x300,fit=cover,anchor=bottom-right,margin=8,crop=1:2:3:4,flip=both,\
             rotation=-45,opacity=0.25,blend=additive,visible=no,start=2.5,name=the talk,slot=7,loop=yes,audio=yes,gain=-6,\
             mute=yes,sync-offset=0.1",
        );
        let place = Placement {
            at: Some(Point { x: 20.0, y: -10.5 }),
            width: Some(420.0),
            height: Some(300.0),
            fit: Some(Fit::Cover),
            anchor: Some(Anchor::BottomRight),
            margin: 8.0,
        };
        let expected = Layer {
            id: spec.layer.id,
            source: spec.layer.source,
            name: Some("the talk".to_owned()),
            placement: place,
            crop: Crop { left: 1, top: 2, right: 3, bottom: 4 },
            flip: Flip { horizontal: true, vertical: true },
            rotation: -45.0,
            opacity: 0.25,
            blend: Blend::Additive,
            visible: false,
            start: Duration::from_millis(2500),
            ..Layer::default()
        };
        assert_eq!(spec.layer, expected);
        assert_eq!(
            (spec.file.as_str(), spec.slot, spec.looping, spec.audio),
            ("clip.mp4", Some(7), true, true)
        );
        assert_eq!(
            spec.input,
            Some(MixerInput { gain_db: -6.0, mute: true, sync_offset: 0.1, ..MixerInput::default() })
        );
    }

    #[test]
    fn a_file_alone_is_stretched_and_heard() {
        let spec = good("clip.mp4");
        assert_eq!(spec.layer.placement, Placement::STRETCH);
        assert_eq!((spec.slot, spec.looping, spec.audio, spec.input), (None, false, true, None));
    }

    #[test]
    fn a_side_may_be_left_out() {
        let sides = |text: &str| (good(text).layer.placement.width, good(text).layer.placement.height);
        assert_eq!(sides("a,size=420x"), (Some(420.0), None));
        assert_eq!(sides("a,size=x300.5"), (None, Some(300.5)));
        assert_eq!(sides("a,size=4X3"), (Some(4.0), Some(3.0)));
    }

    #[test]
    fn every_word_there_is() {
        for (name, anchor) in Anchor::NAMES {
            assert_eq!(good(&format!("a,anchor={name}")).layer.placement.anchor, Some(anchor));
        }
        for (name, fit) in FITS {
            assert_eq!(good(&format!("a,fit={name}")).layer.placement.fit, Some(fit));
        }
        for (name, flip) in FLIPS {
            assert_eq!(good(&format!("a,flip={name}")).layer.flip, flip);
        }
        for (name, blend) in BLENDS {
            assert_eq!(good(&format!("a,blend={name}")).layer.blend, blend);
        }
    }

    #[test]
    fn mistakes_name_the_key_and_what_is_allowed() {
        for (setting, allowed) in [
            ("at=5", "X:Y"),
            ("at=5:", "X:Y"),
            ("at=1:2:3", "X:Y"),
            ("at=1:inf", "X:Y"),
            ("at=nan:0", "X:Y"),
            ("size=420", "WIDTHxHEIGHT"),
            ("size=x", "WIDTHxHEIGHT"),
            ("size=0x10", "above 0"),
            ("size=-1x", "above 0"),
            ("size=1x2x3", "WIDTHxHEIGHT"),
            ("fit=fill", "stretch, contain, cover, none"),
            ("anchor=middle", "top-left"),
            ("margin=wide", "pixels"),
            ("crop=1:2:3", "LEFT:TOP:RIGHT:BOTTOM"),
            ("crop=1:2:3:4:5", "LEFT:TOP:RIGHT:BOTTOM"),
            ("crop=-1:0:0:0", "whole numbers"),
            ("flip=sideways", "horizontal, vertical, both"),
            ("rotation=inf", "degrees"),
            ("rotation=left", "degrees"),
            ("opacity=1.1", "0 to 1"),
            ("opacity=50%", "0 to 1"),
            ("blend=multiply", "normal, additive"),
            ("visible=maybe", "yes or no"),
            ("start=-1", "seconds"),
            ("start=soon", "seconds"),
            ("name=", "a word"),
            ("slot=-1", "0 to 65535"),
            ("slot=65536", "0 to 65535"),
            ("slot=1.5", "0 to 65535"),
            ("loop=2", "yes or no"),
            ("audio=loud", "yes or no"),
            ("gain=99", "at most 60"),
            ("mute=", "yes or no"),
            ("sync-offset=soon", "seconds"),
        ] {
            let failure = LayerSpec::parse(&format!("a.mp4,{setting}")).expect_err(setting);
            let key = setting.split('=').next().unwrap_or_default();
            assert!(
                failure.message.contains("--layer a.mp4") && failure.message.contains(setting),
                "{failure:?}"
            );
            let hint = failure.hint.unwrap_or_default();
            assert!(hint.starts_with(key) && hint.contains(allowed), "{setting}: {hint}");
        }
        let unknown = LayerSpec::parse("a.mp4,colour=red").expect_err("no such key");
        assert!(unknown.hint.is_some_and(|h| KEYS.iter().all(|k| h.contains(k))));
        let sense = LayerSpec::parse("a.mp4,audio=no,gain=3").expect_err("a contradiction");
        assert!(sense.message.contains("audio=no"));
    }
}
