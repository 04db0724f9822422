// SPDX-License-Identifier: GPL-2.0-or-later
//! PipeWire's plain old data: objects whose properties are values or choices between values. Reading believes nothing:
//! what does not fit is not there.

use smallvec::SmallVec;

const ID: u32 = 3;
const INT: u32 = 4;
const LONG: u32 = 5;
const RECTANGLE: u32 = 10;
const FRACTION: u32 = 11;
const ARRAY: u32 = 13;
const OBJECT: u32 = 15;
const CHOICE: u32 = 19;

const CHOICE_RANGE: u32 = 1;
const CHOICE_STEP: u32 = 2;
const CHOICE_ENUM: u32 = 3;
const CHOICE_FLAGS: u32 = 4;

/// Values of a choice that are read; a longer list is cut there.
const MOST: usize = 256;

/// A value of one of the kinds that are needed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Id(u32),
    Int(i32),
    Long(i64),
    Rectangle(u32, u32),
    Fraction(u32, u32),
}

/// What a property may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// That and nothing else.
    Only(Value),
    /// One of these; the first is the best.
    Enum(SmallVec<[Value; 8]>),
    /// Between the second and the third; the first is the best.
    Range(Value, Value, Value),
    /// Any of these bits.
    Flags(Value),
    /// All of these, in this order.
    All(SmallVec<[Value; 8]>),
}

impl Choice {
    /// The best value.
    pub fn best(&self) -> Option<Value> {
        match self {
            Self::Only(v) | Self::Range(v, ..) | Self::Flags(v) => Some(*v),
            Self::Enum(values) | Self::All(values) => values.first().copied(),
        }
    }
}

impl From<Value> for Choice {
    fn from(value: Value) -> Self {
        Self::Only(value)
    }
}

/// A finished object, aligned as the library wants it.
#[derive(Clone, Debug)]
pub(super) struct Built(Vec<u64>);

impl Built {
    /// An object of type `kind` for the parameter `id`.
    pub fn object(kind: u32, id: u32, properties: &[(u32, Choice)]) -> Self {
        let mut body = Vec::with_capacity(256);
        put(&mut body, &[kind, id]);
        for (key, choice) in properties {
            put(&mut body, &[*key, 0]);
            write_choice(&mut body, choice);
        }
        let mut bytes = Vec::with_capacity(body.len() + 8);
        put(&mut bytes, &[body.len() as u32, OBJECT]);
        bytes.extend_from_slice(&body);
        Self(bytes.as_chunks().0.iter().map(|word| u64::from_ne_bytes(*word)).collect())
    }

    pub fn as_ptr(&self) -> *const u64 {
        self.0.as_ptr()
    }

    #[cfg(test)]
    fn bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }
}

fn put(bytes: &mut Vec<u8>, numbers: &[u32]) {
    numbers.iter().for_each(|n| bytes.extend_from_slice(&n.to_ne_bytes()));
}

fn header_of(value: Value) -> [u32; 2] {
    match value {
        Value::Id(_) => [4, ID],
        Value::Int(_) => [4, INT],
        Value::Long(_) => [8, LONG],
        Value::Rectangle(..) => [8, RECTANGLE],
        Value::Fraction(..) => [8, FRACTION],
    }
}

fn write_value(bytes: &mut Vec<u8>, value: Value) {
    match value {
        Value::Id(n) => put(bytes, &[n]),
        Value::Int(n) => bytes.extend_from_slice(&n.to_ne_bytes()),
        Value::Long(n) => bytes.extend_from_slice(&n.to_ne_bytes()),
        Value::Rectangle(a, b) | Value::Fraction(a, b) => put(bytes, &[a, b]),
    }
}

fn write_choice(bytes: &mut Vec<u8>, choice: &Choice) {
    let (kind, values): (u32, SmallVec<[Value; 8]>) = match choice {
        Choice::Only(value) => {
            put(bytes, &header_of(*value));
            write_value(bytes, *value);
            bytes.resize(bytes.len().next_multiple_of(8), 0);
            return;
        }
        Choice::Range(best, min, max) => (CHOICE_RANGE, SmallVec::from_slice(&[*best, *min, *max])),
        Choice::Flags(bits) => (CHOICE_FLAGS, SmallVec::from_slice(&[*bits])),
        // the best stands before the list it is of
        Choice::Enum(values) => (CHOICE_ENUM, values.first().into_iter().chain(values).copied().collect()),
        Choice::All(values) => {
            let [size, of] = values.first().map_or([0, 1], |first| header_of(*first));
            put(bytes, &[8 + size * values.len() as u32, ARRAY, size, of]);
            values.iter().for_each(|value| write_value(bytes, *value));
            bytes.resize(bytes.len().next_multiple_of(8), 0);
            return;
        }
    };
    let Some(first) = values.first() else { return put(bytes, &[0, 1]) };
    let [size, of] = header_of(*first);
    put(bytes, &[16 + size * values.len() as u32, CHOICE, kind, 0, size, of]);
    values.iter().for_each(|value| write_value(bytes, *value));
    bytes.resize(bytes.len().next_multiple_of(8), 0);
}

/// The number at `at`.
fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_ne_bytes(word.try_into().ok()?))
}

/// The type and the body of what begins at `at`, and where the next thing begins.
fn item(bytes: &[u8], at: usize) -> Option<(u32, &[u8], usize)> {
    let (size, kind) = (number(bytes, at)? as usize, number(bytes, at + 4)?);
    let start = at + 8;
    let body = bytes.get(start..start.checked_add(size)?)?;
    Some((kind, body, (start + size).next_multiple_of(8)))
}

fn read_value(kind: u32, body: &[u8]) -> Option<Value> {
    let first = || number(body, 0);
    let second = || number(body, 4);
    match kind {
        ID => Some(Value::Id(first()?)),
        INT => Some(Value::Int(first()? as i32)),
        LONG => Some(Value::Long(i64::from_ne_bytes(body.get(..8)?.try_into().ok()?))),
        RECTANGLE => Some(Value::Rectangle(first()?, second()?)),
        FRACTION => Some(Value::Fraction(first()?, second()?)),
        _ => None,
    }
}

/// The values of `size` bytes each that `body` is.
fn read_values(of: u32, size: u32, body: &[u8]) -> Option<SmallVec<[Value; 8]>> {
    if size == 0 {
        return None;
    }
    let values = body.chunks_exact(size as usize).take(MOST);
    Some(values.map_while(|value| read_value(of, value)).collect())
}

fn read_choice(kind: u32, body: &[u8]) -> Option<Choice> {
    if kind == ARRAY {
        return read_values(number(body, 4)?, number(body, 0)?, body.get(8..)?).map(Choice::All);
    }
    if kind != CHOICE {
        return read_value(kind, body).map(Choice::Only);
    }
    let values = read_values(number(body, 12)?, number(body, 8)?, body.get(16..)?)?;
    match (number(body, 0)?, &*values) {
        (CHOICE_RANGE | CHOICE_STEP, [best, min, max, ..]) => Some(Choice::Range(*best, *min, *max)),
        (CHOICE_ENUM, [only]) => Some(Choice::Only(*only)),
        (CHOICE_ENUM, [best, list @ ..]) => {
            let others = list.iter().filter(|v| *v != best);
            Some(Choice::Enum(std::iter::once(best).chain(others).copied().collect()))
        }
        (CHOICE_FLAGS, [bits, ..]) => Some(Choice::Flags(*bits)),
        (_, [only, ..]) => Some(Choice::Only(*only)),
        _ => None,
    }
}

/// An object that was received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Object {
    pub kind: u32,
    properties: Vec<(u32, Choice)>,
}

impl Object {
    /// The object that `bytes` begin with.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (OBJECT, body, _) = item(bytes, 0)? else { return None };
        let kind = number(body, 0)?;
        let mut properties = Vec::new();
        let mut at = 8;
        while let (Some(key), Some((of, value, next))) = (number(body, at), item(body, at + 8)) {
            properties.extend(read_choice(of, value).map(|choice| (key, choice)));
            at = next;
            if properties.len() >= MOST {
                break;
            }
        }
        Some(Self { kind, properties })
    }

    /// A property.
    pub fn get(&self, key: u32) -> Option<&Choice> {
        self.properties.iter().find(|(k, _)| *k == key).map(|(_, choice)| choice)
    }

    /// The number that a property is, or is best.
    pub fn id(&self, key: u32) -> Option<u32> {
        match self.get(key)?.best()? {
            Value::Id(id) => Some(id),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smallvec::smallvec;

    fn example() -> (Vec<(u32, Choice)>, Vec<u8>) {
        let properties = vec![
            (1, Value::Id(2).into()),
            (3, Choice::Enum(smallvec![Value::Id(5), Value::Id(8), Value::Id(2)])),
            (
                4,
                Choice::Range(
                    Value::Rectangle(640, 480),
                    Value::Rectangle(1, 1),
                    Value::Rectangle(8192, 8192),
                ),
            ),
            (5, Value::Fraction(30_000, 1001).into()),
            (6, Choice::Flags(Value::Int(6))),
            (7, Value::Long(-3).into()),
            (8, Choice::All(smallvec![Value::Id(3), Value::Id(4), Value::Id(3)])),
        ];
        let bytes = Built::object(0x40003, 3, &properties).bytes();
        (properties, bytes)
    }

    #[test]
    fn what_was_built_is_read_again() {
        let (properties, bytes) = example();
        let read = Object::read(&bytes).unwrap();
        assert_eq!((read.kind, &read.properties), (0x40003, &properties));
        assert_eq!(read.id(3), Some(5));
        assert_eq!(read.id(5), None);
        assert_eq!(read.get(9), None);
    }

    #[test]
    fn the_bytes_are_those_of_the_format() {
        let bytes = Built::object(0x40003, 3, &[(0x20001, Choice::Enum(smallvec![Value::Id(8)]))]).bytes();
        let words: Vec<u32> = bytes.as_chunks().0.iter().map(|w| u32::from_ne_bytes(*w)).collect();
        // object, property key and flags, choice of ids: the best, then the list
        assert_eq!(words, [48, 15, 0x40003, 3, 0x20001, 0, 24, 19, 3, 0, 4, 3, 8, 8]);
    }

    #[test]
    fn broken_bytes_are_read_as_far_as_they_go() {
        let (_, bytes) = example();
        for length in 0..bytes.len() {
            drop(Object::read(&bytes[..length]));
        }
        let mut state = 7_u32;
        for _ in 0..20_000 {
            let mut broken = bytes.clone();
            for _ in 0..3 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let place = (state >> 8) as usize % broken.len();
                broken[place] = if state & 1 == 0 { 0xff } else { (state >> 24) as u8 };
            }
            drop(Object::read(&broken));
        }
    }
}
