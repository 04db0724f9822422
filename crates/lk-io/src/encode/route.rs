// SPDX-License-Identifier: GPL-2.0-or-later
//! Options that come in one list, to the parts they are for.

use super::{OutputSettings, StreamKind, choose};
use crate::av::encoder::options::{ClassOf, knows, plain};
use crate::mux::ContainerChoice;

impl OutputSettings {
    /// Gives each option of one list to the part it is for: names that end in `:v` or `:a` to that encoder, others to
    /// the first of video encoder, container and sound encoder that knows them; `strict`, which allows what is
    /// experimental, to all three. What nobody knows goes to the video encoder (or the sound encoder of an output
    /// without pictures), whose refusal lists what there is.
    pub fn sort_options(&mut self, name: &str, options: &[(String, String)]) {
        // whatever is wrong with the container or the codecs is told when they are opened
        let container = ContainerChoice::of(name, self.format.as_deref()).ok();
        let encoder = |codec: &Option<String>, kind| {
            let codec = codec.clone().or_else(|| container.as_ref()?.usual_codec(kind))?;
            choose::encoder_for(&codec, kind, options).ok()
        };
        let pictures = self.video.as_ref().and_then(|v| encoder(&v.codec, StreamKind::Video));
        let sound = self.audio.as_ref().and_then(|a| encoder(&a.codec, StreamKind::Audio));
        for (key, value) in options {
            let option = (plain(key).to_owned(), value.clone());
            let name = option.0.as_str();
            if key == "strict" {
                let video = self.video.iter_mut().map(|v| &mut v.options);
                let lists = video.chain(self.audio.iter_mut().map(|a| &mut a.options));
                lists.chain([&mut self.options]).for_each(|list| list.push(option.clone()));
                continue;
            }
            let own = ["pix_fmt", "qscale", "threads"].contains(&name);
            let of_pictures = own || pictures.is_some_and(|e| knows(ClassOf::Encoder(&e.name), name));
            let of_container =
                container.as_ref().is_some_and(|c| knows(ClassOf::Container(&c.format()), name));
            let of_sound = sound.is_some_and(|e| knows(ClassOf::Encoder(&e.name), name));
            let for_sound =
                key.ends_with(":a") || !key.ends_with(":v") && !of_pictures && !of_container && of_sound;
            let for_container = !key.ends_with(":v") && !key.ends_with(":a") && !of_pictures && of_container;
            let list = match (&mut self.video, &mut self.audio) {
                _ if for_container => &mut self.options,
                (_, Some(audio)) if for_sound => &mut audio.options,
                (Some(video), _) if pictures.is_some() || sound.is_none() => &mut video.options,
                (_, Some(audio)) => &mut audio.options,
                (Some(video), None) => &mut video.options,
                (None, None) => &mut self.options,
            };
            list.push(option);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::{AudioSettings, VideoSettings};
    use lk_media::{FrameRate, Size};

    #[test]
    fn each_option_finds_its_part() {
        let rate = FrameRate::new(30, 1).unwrap();
        let mut settings = OutputSettings {
            video: Some(VideoSettings::new(Size::new(64, 64), rate)),
            audio: Some(AudioSettings::default()),
            ..OutputSettings::default()
        };
        let given = ["preset", "movflags", "aac_coder", "b:a", "g", "pix_fmt", "strict", "nonsense"];
        let given: Vec<(String, String)> = given.iter().map(|o| ((*o).to_owned(), "1".to_owned())).collect();
        settings.sort_options("out.mp4", &given);
        let names = |list: &[(String, String)]| list.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&settings.options), ["movflags", "strict"]);
        assert_eq!(names(&settings.audio.unwrap().options), ["aac_coder", "b", "strict"]);
        assert_eq!(names(&settings.video.unwrap().options), ["preset", "g", "pix_fmt", "strict", "nonsense"]);
    }
}
