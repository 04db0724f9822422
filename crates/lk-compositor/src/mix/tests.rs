// SPDX-License-Identifier: GPL-2.0-or-later
//! What the mixer does to samples.

use super::*;
use crate::mix::{MixSettings, MixerInput, Mixes, Monitor};
use lk_media::{RAMP, SAMPLE_RATE};
use proptest::prelude::*;

/// The sample of input `id` at a place: a tone of its own, slow enough to show steps.
fn tone(id: u64, place: i64) -> [f32; 2] {
    let x = place as f64 * (0.003 + 0.001 * id as f64);
    [x.sin() as f32, (x + 1.0).cos() as f32 * 0.5]
}

fn settings(inputs: &[(u64, MixerInput)]) -> MixerSettings {
    MixerSettings { inputs: inputs.iter().copied().collect(), ..MixerSettings::default() }
}

/// Mixes `frames` samples in blocks of that length; those of each of `mixes`.
fn run<const N: usize>(mixer: &mut Mixer, frames: usize, block: usize, mixes: [MixId; N]) -> [Vec<f32>; N] {
    let mut out = [const { Vec::new() }; N];
    let mut left = frames;
    while left > 0 {
        let count = block.min(left);
        mixer
            .mix(count, |id, first, samples| {
                for (n, frame) in samples.chunks_exact_mut(CHANNELS).enumerate() {
                    frame.copy_from_slice(&tone(id, first + n as i64));
                }
                Ok(0)
            })
            .unwrap();
        for (out, mix) in out.iter_mut().zip(mixes) {
            out.extend_from_slice(mixer.output(mix).unwrap());
        }
        left -= count;
    }
    out
}

fn main_of(mixer: &mut Mixer, frames: usize) -> Vec<f32> {
    run(mixer, frames, 480, [MixId::MAIN])[0].clone()
}

/// What a run from sample 0 gives.
fn from_start(settings: &MixerSettings, frames: usize) -> Vec<f32> {
    let mut mixer = Mixer::new(0);
    mixer.take_up(settings);
    main_of(&mut mixer, frames)
}

fn tones(id: u64, first: i64, frames: usize) -> Vec<f32> {
    (first..first + frames as i64).flat_map(|place| tone(id, place)).collect()
}

/// The largest change from one sample to the next of the same side.
fn steepest(samples: &[f32]) -> f32 {
    samples.iter().zip(&samples[CHANNELS..]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

const PLAIN: MixerInput = MixerInput {
    gain_db: 0.0,
    mute: false,
    pan: 0.0,
    mono: false,
    sync_offset: 0.0,
    mixes: Mixes::MAIN,
    monitor: Monitor::Off,
    solo: false,
};

#[test]
fn inputs_are_summed_in_the_order_of_their_numbers() {
    let half = MixerInput { gain_db: 20.0 * 0.5f64.log10(), ..PLAIN };
    let mute = MixerInput { mute: true, ..PLAIN };
    let settings = settings(&[(7, PLAIN), (2, half), (9, mute), (1, PLAIN)]);
    let out = from_start(&settings, 1000);
    let gain = 10f64.powf(half.gain_db / 20.0) as f32;
    let expected: Vec<f32> = (0..1000)
        .flat_map(|n| {
            [0, 1].map(|side| (0.0 + tone(1, n)[side] + tone(2, n)[side] * gain) + tone(7, n)[side])
        })
        .collect();
    assert_eq!(out, expected);
}

#[test]
fn one_input_alone_passes_bit_by_bit_from_the_first_sample() {
    assert_eq!(from_start(&settings(&[(3, PLAIN)]), 2000), tones(3, 0, 2000));
    let mut late = Mixer::new(123_456_789_012);
    late.take_up(&settings(&[(3, PLAIN)]));
    assert_eq!(main_of(&mut late, 999), tones(3, 123_456_789_012, 999));
}

#[test]
fn sync_offsets_are_exact_to_the_sample() {
    for samples in [-4800, -1, 0, 1, 2879, 48_000] {
        let input = MixerInput { sync_offset: f64::from(samples) / f64::from(SAMPLE_RATE), ..PLAIN };
        assert_eq!(
            from_start(&settings(&[(1, input)]), 100),
            tones(1, -i64::from(samples), 100),
            "{samples}"
        );
    }
}

#[test]
fn a_changed_offset_waits_until_its_place_is_there() {
    let ahead = settings(&[(1, MixerInput { sync_offset: -0.5, ..PLAIN })]);
    for (there, fades_at) in [(0, 0), (3, 3), (1000, 20)] {
        let mut mixer = Mixer::new(0);
        mixer.take_up(&settings(&[(1, PLAIN)]));
        main_of(&mut mixer, 480);
        mixer.take_up(&ahead);
        let (mut out, mut late) = (Vec::new(), 0);
        for block in 0..30 {
            late += mixer
                .mix(480, |id, first, samples| {
                    let is_late = first >= 20_000 && block < there;
                    for (n, frame) in samples.chunks_exact_mut(CHANNELS).enumerate() {
                        frame.copy_from_slice(&if is_late { [0.0; 2] } else { tone(id, first + n as i64) });
                    }
                    Ok(if is_late { samples.len() / CHANNELS } else { 0 })
                })
                .unwrap();
            out.extend_from_slice(mixer.output(MixId::MAIN).unwrap());
        }
        let fade = 480 * fades_at;
        assert_eq!(out[..2 * fade], tones(1, 480, fade), "{there}");
        assert!(steepest(&out) < 0.02, "{there}: {}", steepest(&out));
        if there < 20 {
            let rest = 480 * 30 - fade - RAMP;
            let place = 480 + (fade + RAMP) as i64 + 24_000;
            assert_eq!((out[2 * (fade + RAMP)..] == tones(1, place, rest), late), (true, 0), "{there}");
        } else {
            assert_eq!((out[2 * (fade + RAMP)], late), (0.0, 10 * 480));
        }
    }
}

#[test]
fn whatever_changes_does_so_without_a_step() {
    let two = settings(&[(1, PLAIN), (2, PLAIN)]);
    let change = |input: MixerInput| settings(&[(1, input), (2, PLAIN)]);
    let mut loud = two.clone();
    loud.mixes.get_mut(&MixId::MAIN).unwrap().gain_db = -40.0;
    let mut silent = two.clone();
    silent.mixes.get_mut(&MixId::MAIN).unwrap().mute = true;
    let mut limited = two.clone();
    let main = limited.mixes.get_mut(&MixId::MAIN).unwrap();
    (main.limiter, main.ceiling_db) = (true, -20.0);
    let quiet = steepest(&from_start(&two, 48_000));
    for (what, other) in [
        ("gain", change(MixerInput { gain_db: -12.0, ..PLAIN })),
        ("mute", change(MixerInput { mute: true, ..PLAIN })),
        ("pan", change(MixerInput { pan: 1.0, ..PLAIN })),
        ("mono", change(MixerInput { mono: true, ..PLAIN })),
        ("offset", change(MixerInput { sync_offset: -0.0123, ..PLAIN })),
        ("mixes", change(MixerInput { mixes: Mixes::NONE, ..PLAIN })),
        ("monitor only", change(MixerInput { monitor: Monitor::Only, ..PLAIN })),
        ("removed", settings(&[(2, PLAIN)])),
        ("added", settings(&[(1, PLAIN), (2, PLAIN), (5, PLAIN)])),
        ("main gain", loud),
        ("main mute", silent),
        ("limiter", limited),
    ] {
        let mut mixer = Mixer::new(0);
        mixer.take_up(&two);
        let mut out = main_of(&mut mixer, 4800);
        mixer.take_up(&other);
        out.extend(main_of(&mut mixer, 4800));
        mixer.take_up(&two);
        out.extend(main_of(&mut mixer, 4800));
        let ramp = 2.0 * 2.0 / if what == "limiter" { LOOK_AHEAD } else { RAMP } as f32;
        assert!(steepest(&out) < quiet * 1.5 + ramp, "{what}: {} {quiet}", steepest(&out));
        // and it is what it should be, before, a little later, and again
        let (before, during) = (from_start(&two, 14_400), from_start(&other, 14_400));
        assert_eq!(out[..9600], before[..9600], "{what}");
        if what != "limiter" {
            assert_eq!(out[2 * (4800 + RAMP)..2 * 9600], during[2 * (4800 + RAMP)..2 * 9600], "{what}");
        }
        assert_eq!(out[2 * 13_000..], before[2 * 13_000..], "{what}");
    }
}

#[test]
fn a_removed_input_is_read_until_it_has_faded() {
    let mut mixer = Mixer::new(0);
    mixer.take_up(&settings(&[(1, PLAIN)]));
    main_of(&mut mixer, 480);
    mixer.take_up(&settings(&[]));
    let out = main_of(&mut mixer, 480);
    assert!(mixer.hears(1) && out[100] != 0.0 && out[2 * 479..] == [0.0, 0.0]);
    assert_eq!(main_of(&mut mixer, 480), [0.0; 960]);
    assert!(!mixer.hears(1));
    let mut levels = Levels::default();
    mixer.read_levels(&mut levels);
    assert!(levels.inputs.is_empty() && levels.mixes.len() == 2);
}

#[test]
fn mixes_are_independent_of_one_another() {
    let mut both = MixerSettings::default();
    let voice = both.add_mix(MixSettings::named("voice")).unwrap();
    let music = both.add_mix(MixSettings { gain_db: -6.0, ..MixSettings::named("music") }).unwrap();
    let to = |mixes: &[MixId]| mixes.iter().copied().collect::<Mixes>();
    both.inputs.insert(1, MixerInput { mixes: to(&[MixId::MAIN, voice]), ..PLAIN });
    both.inputs.insert(2, MixerInput { mixes: to(&[MixId::MAIN, music]), monitor: Monitor::On, ..PLAIN });
    both.inputs.insert(3, MixerInput { monitor: Monitor::Only, pan: -1.0, ..PLAIN });
    let mut mixer = Mixer::new(0);
    mixer.take_up(&both);
    let all = [MixId::MAIN, MixId::MONITOR, voice, music];
    let [main, monitor, only_voice, only_music] = run(&mut mixer, 960, 480, all);
    let (one, two, three) = (tones(1, 0, 960), tones(2, 0, 960), tones(3, 0, 960));
    let sum: Vec<f32> = one.iter().zip(&two).map(|(a, b)| a + b).collect();
    assert_eq!((&main, &only_voice), (&sum, &one));
    let gain = 10f64.powf(-0.3) as f32;
    assert_eq!(only_music, two.iter().map(|s| s * gain).collect::<Vec<_>>());
    let left = |n: usize, s: &f32| if n.is_multiple_of(2) { *s } else { 0.0 };
    let heard: Vec<f32> = three.iter().enumerate().zip(&two).map(|((n, s), b)| b + left(n, s)).collect();
    assert_eq!(monitor, heard);
    // muting one, limiting it, or listening to one input alone, leaves the others as they were
    both.mixes.get_mut(&music).unwrap().mute = true;
    both.mixes.get_mut(&voice).unwrap().limiter = true;
    both.inputs.get_mut(&1).unwrap().solo = true;
    mixer.take_up(&both);
    let [main, monitor, _, only_music] = run(&mut mixer, 960, 480, all);
    let later = |id| tones(id, 960, 960);
    let sum: Vec<f32> = later(1).iter().zip(&later(2)).map(|(a, b)| a + b).collect();
    assert_eq!(main, sum);
    assert_eq!(monitor[960..], later(1)[960..]);
    assert!(only_music[2 * 480..].iter().all(|s| *s == 0.0));
    // a mix that is taken away is no more
    both.remove_mix(voice);
    mixer.take_up(&both);
    main_of(&mut mixer, 480);
    assert!(mixer.output(voice).is_none() && mixer.output(music).is_some());
}

#[test]
fn meters_stand_behind_gain_and_balance_and_can_be_reset() {
    let input = MixerInput { gain_db: -20.0, pan: 1.0, ..PLAIN };
    let mut mixer = Mixer::new(0);
    mixer.take_up(&settings(&[(1, input), (2, MixerInput { gain_db: 12.0, ..PLAIN })]));
    main_of(&mut mixer, 48_000);
    let mut levels = Levels::default();
    mixer.read_levels(&mut levels);
    let one = levels.inputs[&1];
    assert!(one.peak[0] == 0.0 && (one.peak[1] - 0.05).abs() < 0.0005, "{one:?}");
    assert!(levels.main().clips > 1000 && levels.inputs[&2].clips > 1000 && one.clips == 0);
    assert!(levels.main().hold[0] > 3.5);
    mixer.reset_meters();
    mixer.take_up(&settings(&[(1, input)]));
    main_of(&mut mixer, 480);
    mixer.reset_meters();
    main_of(&mut mixer, 480);
    mixer.read_levels(&mut levels);
    assert_eq!((levels.main().clips, levels.inputs.len()), (0, 1));
    assert!(levels.main().hold[1] <= 0.051);
}

#[test]
fn an_error_of_a_reading_is_told() {
    let mut mixer = Mixer::new(0);
    mixer.take_up(&settings(&[(1, PLAIN)]));
    assert!(mixer.mix(480, |_, _, _| Err(lk_media::Error::internal("broken"))).is_err());
}

/// Settings of two inputs and a mix with a limiter, from numbers.
fn any_settings() -> impl Strategy<Value = MixerSettings> {
    let input = (-30.0..20.0f64, -1.0..=1.0f64, any::<[bool; 4]>(), -2000i32..2000).prop_map(
        |(gain_db, pan, [mute, mono, solo, only], offset)| MixerInput {
            gain_db,
            mute,
            pan,
            mono,
            sync_offset: f64::from(offset) / 48_000.0,
            monitor: if only { Monitor::Only } else { Monitor::On },
            solo,
            ..PLAIN
        },
    );
    let mix = (-10.0..10.0f64, any::<bool>(), -12.0..=0.0f64);
    (prop::collection::btree_map(0u64..3, input, 0..3), mix).prop_map(|(inputs, (gain, mute, ceiling))| {
        let mut all = MixerSettings { inputs, ..MixerSettings::default() };
        let main = all.mixes.get_mut(&MixId::MAIN).unwrap();
        (main.gain_db, main.mute, main.ceiling_db) = (gain, mute, ceiling);
        all
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn however_it_is_cut_the_samples_are_the_same(
        changes in prop::collection::vec((any_settings(), 1usize..1500), 1..5),
        limiter in any::<bool>(),
        block in 1usize..1000,
        first in 0u64..1_000_000_000_000,
    ) {
        let mix = |block: usize| {
            let mut mixer = Mixer::new(first);
            let mut out = [Vec::new(), Vec::new()];
            for (settings, frames) in &changes {
                let mut settings = settings.clone();
                settings.mixes.get_mut(&MixId::MAIN).unwrap().limiter = limiter;
                mixer.take_up(&settings);
                let more = run(&mut mixer, *frames, block, [MixId::MAIN, MixId::MONITOR]);
                out.iter_mut().zip(more).for_each(|(out, more)| out.extend(more));
            }
            out
        };
        prop_assert_eq!(mix(480), mix(block));
    }
}
