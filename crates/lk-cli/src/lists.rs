// SPDX-License-Identifier: GPL-2.0-or-later
//! `livekit-studio formats` and `livekit-studio encoders`: what the FFmpeg of this machine can write.

use crate::failure::Failure;
use crate::output::Output;
use livekit_studio::{EncoderInfo, FormatInfo, StreamKind};
use serde_json::json;

/// Lists the containers.
pub(crate) fn formats(output: Output) -> Result<(), Failure> {
    let formats = livekit_studio::formats();
    let rows = formats.iter().map(format_row).collect();
    output.result(&json!({ "formats": formats }), &columns(rows))
}

/// Lists the encoders.
pub(crate) fn encoders(output: Output) -> Result<(), Failure> {
    let encoders = livekit_studio::encoders();
    let rows = encoders.iter().map(encoder_row).collect();
    output.result(&json!({ "encoders": encoders }), &columns(rows))
}

fn format_row(format: &FormatInfo) -> [String; 3] {
    let endings: Vec<String> = format.extensions.iter().map(|e| format!(".{e}")).collect();
    [format.name.clone(), endings.join(" "), format.description.clone()]
}

fn encoder_row(encoder: &EncoderInfo) -> [String; 3] {
    let kind = if encoder.kind == StreamKind::Video { "video" } else { "audio" };
    let notes = [
        (encoder.hardware, "needs a device"),
        (encoder.experimental, "experimental: --option strict=experimental"),
        (encoder.lossless, "lossless"),
    ];
    let notes: Vec<&str> = notes.iter().filter(|(is, _)| *is).map(|(_, note)| *note).collect();
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
    [encoder.name.clone(), format!("{kind} {}", encoder.codec), format!("{}{notes}", encoder.description)]
}

/// Rows with their first two columns aligned; long ones push the rest aside.
pub(crate) fn columns(rows: Vec<[String; 3]>) -> String {
    const WIDEST: usize = 24;
    let width = |column: usize| rows.iter().map(|r| r[column].chars().count()).max().unwrap_or(0).min(WIDEST);
    let (first, second) = (width(0), width(1));
    let lines: Vec<String> = rows
        .iter()
        .map(|[a, b, c]| format!("{a:<first$}  {b:<second$}  {c}").trim_end().to_owned())
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned);
        let text = columns(vec![row(["mp4", ".mp4", "MP4"]), row(["matroska", ".mkv", ""])]);
        assert_eq!(text, "mp4       .mp4  MP4\nmatroska  .mkv");
    }
}
