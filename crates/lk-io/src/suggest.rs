// SPDX-License-Identifier: GPL-2.0-or-later
//! "Did you mean": the names nearest to a misspelt one.

/// Up to three of `names` that are within a third of the length of `wrong`, or contain it or are contained in
/// it; nearest first.
pub(crate) fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let wrong = wrong.to_ascii_lowercase();
    let limit = (wrong.chars().count() / 3).max(1);
    let mut found: Vec<(usize, &str)> = names
        .filter_map(|name| {
            let lower = name.to_ascii_lowercase();
            let distance = distance(&wrong, &lower);
            let inside =
                wrong.len() >= 3 && lower.len() >= 3 && (lower.contains(&wrong) || wrong.contains(&lower));
            if distance <= limit {
                Some((distance, name))
            } else {
                // what only contains it comes after what is spelt nearly the same
                inside.then_some((limit + distance, name))
            }
        })
        .collect();
    found.sort();
    found.dedup();
    found.into_iter().map(|(_, name)| name).take(3).collect()
}

/// "a", "a or b", "a, b or c".
pub(crate) fn or_list(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [head @ .., last] => format!("{} or {last}", head.join(", ")),
    }
}

/// How many letters must be put in, taken out or changed.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let changed = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(nearest("libx246", ["libx264", "libx265", "aac"].into_iter())[0], "libx264");
        assert_eq!(nearest("presset", ["preset", "tune", "x264-params"].into_iter()), ["preset"]);
        assert_eq!(nearest("x264", ["libx264", "libx264rgb", "aac"].into_iter()), ["libx264", "libx264rgb"]);
        assert!(nearest("zzzzzz", ["preset"].into_iter()).is_empty());
        assert_eq!(or_list(&["a", "b", "c"]), "a, b or c");
    }
}
