// SPDX-License-Identifier: GPL-2.0-or-later
//! The fonts of this process: the one built in, those of the system, those read from files.

use crate::suggest;
use lk_media::{Error, ErrorKind, Result};
use parking_lot::Mutex;
use parley::fontique::{Blob, Collection, CollectionOptions, FontInfoOverride, SourceCache};
use parley::{FontContext, LayoutContext};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// The name the built-in font goes by, so that one of the system cannot take its place.
pub(super) const BUILT_IN: &str = "LiveKit DejaVu Sans";
static DEJAVU: &[u8] = include_bytes!("../../../fonts/DejaVuSans.ttf");
/// Bytes a font file may have.
const LARGEST: u64 = 64 << 20;
/// What the families made of files are called.
const FILE: &str = "LiveKit file ";
/// Endings of font files.
const ENDINGS: [&str; 4] = [".ttf", ".otf", ".ttc", ".otc"];
/// Families an error names.
const NAMED: usize = 8;

/// The families of fonts that are installed on this system.
pub fn installed_fonts() -> usize {
    let mut collection = Collection::new(CollectionOptions { shared: false, system_fonts: true });
    collection.family_names().count()
}

/// What layout needs. The system's fonts are looked for when a text first needs them: that takes milliseconds,
/// and opens libfontconfig.
pub(super) struct Fonts {
    pub(super) context: FontContext,
    pub(super) layout: LayoutContext<()>,
    has_system: bool,
    /// The family each file was registered as, with the file's date and size.
    files: HashMap<String, (Stamp, String)>,
}

type Stamp = (Option<std::time::SystemTime>, u64);

static FONTS: Mutex<Option<Fonts>> = Mutex::new(None);

impl Fonts {
    fn new() -> Self {
        let collection = Collection::new(CollectionOptions { shared: false, system_fonts: false });
        let mut context = FontContext { collection, source_cache: SourceCache::default() };
        register(&mut context, Blob::new(Arc::new(DEJAVU)), BUILT_IN);
        Self { context, layout: LayoutContext::new(), has_system: false, files: HashMap::new() }
    }

    /// Brings in the fonts of the system; whether they were not there before.
    pub(super) fn load_system(&mut self) -> bool {
        if self.has_system {
            return false;
        }
        self.has_system = true;
        self.context.collection.load_system_fonts();
        true
    }

    fn by_name(&mut self, name: &str) -> Result<String> {
        self.load_system();
        if self.context.collection.family_id(name).is_some() {
            return Ok(name.to_owned());
        }
        let families = self.context.collection.family_names();
        let mut known: Vec<&str> = families.filter(|n| *n != BUILT_IN && !n.starts_with(FILE)).collect();
        known.sort_unstable();
        known.dedup();
        let near = suggest::nearest(name, known.iter().copied());
        let hint = if known.is_empty() {
            "no fonts are installed: name a font file, or leave font out for DejaVu Sans".to_owned()
        } else if near.is_empty() {
            let more = if known.len() > NAMED { " and others" } else { "" };
            known.truncate(NAMED);
            format!("installed are {}{more}; or name a font file", known.join(", "))
        } else {
            format!("did you mean {}? Or name a font file", suggest::or_list(&near))
        };
        Err(Error::new(ErrorKind::MediaNotFound, format!("there is no font {name:?}")).with_hint(hint))
    }

    fn by_file(&mut self, path: &str) -> Result<String> {
        let cannot =
            |kind, e: std::io::Error| Error::new(kind, format!("the font file {path:?}: {e}")).with_source(e);
        let about = std::fs::metadata(path).map_err(|e| cannot(ErrorKind::MediaNotFound, e))?;
        let not_a_font = || {
            Error::new(ErrorKind::Media, format!("{path:?} is not a font file"))
                .with_hint("use a .ttf or .otf")
        };
        if !about.is_file() || about.len() > LARGEST {
            return Err(not_a_font());
        }
        let stamp = (about.modified().ok(), about.len());
        if let Some((_, family)) = self.files.get(path).filter(|(known, _)| *known == stamp) {
            return Ok(family.clone());
        }
        let bytes = std::fs::read(path).map_err(|e| cannot(ErrorKind::Media, e))?;
        let family = format!("{FILE}{} {path}", self.files.len());
        if !register(&mut self.context, Blob::new(Arc::new(bytes)), &family) {
            return Err(not_a_font());
        }
        self.files.insert(path.to_owned(), (stamp, family.clone()));
        Ok(family)
    }
}

fn register(fonts: &mut FontContext, data: Blob<u8>, name: &str) -> bool {
    let named = FontInfoOverride { family_name: Some(name), ..FontInfoOverride::default() };
    !fonts.collection.register_fonts(data, Some(named)).is_empty()
}

/// Runs `work` with the fonts, one caller at a time. A font that layout or drawing cannot cope with is an error.
pub(super) fn with<T>(work: impl FnOnce(&mut Fonts) -> Result<T>) -> Result<T> {
    let mut held = FONTS.lock();
    let outcome = catch_unwind(AssertUnwindSafe(|| work(held.get_or_insert_with(Fonts::new))));
    outcome.unwrap_or_else(|_| {
        *held = None; // whatever state it was left in
        Err(Error::new(ErrorKind::Media, "this text cannot be laid out in this font")
            .with_hint("use another font"))
    })
}

/// The family to ask for, from a family's name or the path of a font file.
pub(super) fn find(fonts: &mut Fonts, font: &str) -> Result<String> {
    let lower = font.to_ascii_lowercase();
    if font.contains('/') || ENDINGS.iter().any(|e| lower.ends_with(e)) {
        fonts.by_file(font)
    } else {
        fonts.by_name(font)
    }
}
