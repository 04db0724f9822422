// SPDX-License-Identifier: GPL-2.0-or-later
//! A connection to the sound server: commands out, replies and sound in, no thread of its own.

use super::place;
use crate::audio_device::link::HangUp;
use lk_media::clock::Deadline;
use lk_media::{Error, ErrorKind, Result};
use pulseaudio::protocol::{
    AuthParams, AuthReply, Command, CommandReply, DESCRIPTOR_SIZE, Descriptor, DescriptorFlags, MAX_VERSION,
    Prop, Props, ProtocolError, PulseError, SetClientNameReply, TagStructReader, encode_command_message,
    encode_descriptor, read_descriptor,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::ffi::CString;
use std::io::{self, Cursor, Read, Write};
use std::net::Shutdown;
use std::ops::Range;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// How long the server may take to answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);
/// So often a stream is asked for where the server speaks of an error of input and output, and what is waited between.
/// pipewire-pulse answers so when the session manager fails to link a stream in time; mostly it links the next one.
const TRIES: usize = 3;
const AGAIN: Duration = Duration::from_millis(100);
/// The longest message that is taken for one.
const LONGEST: usize = 4 << 20;
/// What is read at a time.
const CHUNK: usize = 64 << 10;

/// What came from the server. Ranges are of [`Connection::bytes`], until the next call of `receive`.
#[allow(clippy::large_enum_variant)] // one lives at a time, and the threads of devices take no memory
pub(in crate::audio_device) enum Message {
    /// The reply to the command with this number.
    Reply(u32, Range<usize>),
    /// The command with this number failed.
    Refused(u32, PulseError),
    /// Something it says by itself.
    Command(Command),
    /// Sound of a stream.
    Data(u32, Range<usize>),
}

/// An open connection, past its greeting.
pub(in crate::audio_device) struct Connection {
    socket: UnixStream,
    version: u16,
    sequence: u32,
    input: Vec<u8>,
    /// What of `input` is taken, and what of it is there.
    taken: usize,
    filled: usize,
    output: Vec<u8>,
}

impl Connection {
    /// Connects and says who is there; `program` is what mixers show.
    pub(in crate::audio_device) fn open(program: &str) -> Result<Self> {
        let path = place::socket().map_err(|e| no_server(&e))?;
        let socket = UnixStream::connect(&path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                no_server(&format!("nobody listens at {}", path.display()))
            }
            _ => no_server(&format!("{}: {e}", path.display())),
        })?;
        socket.set_nonblocking(true).map_err(|e| lost(&e.to_string()))?;
        let mut this = Self {
            socket,
            version: MAX_VERSION,
            sequence: 0,
            input: vec![0; CHUNK],
            taken: 0,
            filled: 0,
            output: Vec::with_capacity(CHUNK),
        };
        let auth = AuthParams {
            version: MAX_VERSION,
            supports_shm: false,
            supports_memfd: false,
            cookie: place::cookie(),
        };
        let greeted: AuthReply = this.ask(&Command::Auth(auth))?;
        this.version = greeted.version.min(MAX_VERSION);
        let mut props = Props::new();
        props.set(Prop::ApplicationName, text(program));
        props.set(Prop::ApplicationProcessId, text(&std::process::id().to_string()));
        let _: SetClientNameReply = this.ask(&Command::SetClientName(props))?;
        Ok(this)
    }

    /// Ends the connection, from another thread.
    pub(in crate::audio_device) fn hang_up(&self) -> Result<HangUp> {
        let socket = self.socket.try_clone().map_err(|e| lost(&e.to_string()))?;
        Ok(Box::new(move || {
            if let Err(e) = socket.shutdown(Shutdown::Both) {
                tracing::debug!("the sound server: {e}");
            }
        }))
    }

    /// Sends a command and waits for its reply. What else comes meanwhile is thrown away.
    pub(in crate::audio_device) fn ask<R: CommandReply>(&mut self, command: &Command) -> Result<R> {
        let range = self.reply(command)?;
        self.read(range)
    }

    /// The same for commands that make a stream.
    pub(super) fn ask_for_stream<R: CommandReply>(&mut self, command: &Command) -> Result<R> {
        for _ in 1..TRIES {
            match self.answer(command)? {
                Ok(range) => return self.read(range),
                Err(PulseError::Io) => tracing::debug!("the sound server makes no stream: asked again"),
                Err(error) => return Err(refused(error)),
            }
            self.wait(PollFlags::empty(), AGAIN)?;
        }
        self.ask(command)
    }

    /// The same for commands whose reply is a number.
    pub(super) fn ask_number(&mut self, command: &Command) -> Result<u32> {
        let range = self.reply(command)?;
        let mut bytes = &self.input[range];
        TagStructReader::new(&mut bytes, self.version).read_u32().map_err(|e| broken(&e))
    }

    /// The same for commands whose reply says nothing.
    pub(in crate::audio_device) fn command(&mut self, command: &Command) -> Result<()> {
        self.reply(command).map(drop)
    }

    fn reply(&mut self, command: &Command) -> Result<Range<usize>> {
        self.answer(command)?.map_err(refused)
    }

    /// The reply, or the refusal.
    fn answer(&mut self, command: &Command) -> Result<std::result::Result<Range<usize>, PulseError>> {
        let (number, deadline) = (self.send(command)?, Deadline::after(PATIENCE));
        while !deadline.has_passed() {
            match self.receive(deadline.left(PATIENCE))? {
                Some(Message::Reply(n, range)) if n == number => return Ok(Ok(range)),
                Some(Message::Refused(n, error)) if n == number => return Ok(Err(error)),
                _ => {}
            }
        }
        Err(lost("the sound server does not answer"))
    }

    /// The reply in `range`.
    pub(in crate::audio_device) fn read<R: CommandReply>(&self, range: Range<usize>) -> Result<R> {
        let mut bytes = &self.input[range];
        TagStructReader::new(&mut bytes, self.version).read().map_err(|e| broken(&e))
    }

    /// What came, as long as nothing else is received.
    pub(in crate::audio_device) fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.input[range]
    }

    /// Sends a command; the number its reply will have.
    pub(in crate::audio_device) fn send(&mut self, command: &Command) -> Result<u32> {
        let number = self.sequence;
        self.sequence = self.sequence.wrapping_add(1);
        self.output.clear();
        encode_command_message(&mut self.output, number, command, self.version).map_err(|e| broken(&e))?;
        self.flush()?;
        Ok(number)
    }

    /// Sends sound for stream `channel`: what `fill` puts into the bytes.
    pub(in crate::audio_device) fn send_data(
        &mut self,
        channel: u32,
        bytes: usize,
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<()> {
        self.output.clear();
        self.output.resize(DESCRIPTOR_SIZE + bytes, 0);
        let (head, body) = self.output.split_at_mut(DESCRIPTOR_SIZE);
        if let Ok(head) = <&mut [u8; DESCRIPTOR_SIZE]>::try_from(head) {
            let flags = DescriptorFlags::empty();
            encode_descriptor(head, &Descriptor { length: bytes as u32, channel, offset: 0, flags });
        }
        fill(body);
        self.flush()
    }

    fn flush(&mut self) -> Result<()> {
        let deadline = Deadline::after(PATIENCE);
        let mut sent = 0;
        while sent < self.output.len() {
            match self.socket.write(&self.output[sent..]) {
                Ok(0) => return Err(lost("the sound server has closed the connection")),
                Ok(n) => sent += n,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    if deadline.has_passed() {
                        return Err(lost("the sound server takes nothing any more"));
                    }
                    self.wait(PollFlags::OUT, deadline.left(PATIENCE))?;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(lost(&e.to_string())),
            }
        }
        Ok(())
    }

    fn wait(&self, flags: PollFlags, limit: Duration) -> Result<()> {
        let mut fds = [PollFd::new(&self.socket, flags)];
        let limit =
            Timespec { tv_sec: limit.as_secs() as i64, tv_nsec: i64::from(limit.subsec_nanos()) as _ };
        match poll(&mut fds, Some(&limit)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(e) => Err(lost(&e.to_string())),
        }
    }

    /// The next message; waits for it at most `limit`.
    pub(in crate::audio_device) fn receive(&mut self, limit: Duration) -> Result<Option<Message>> {
        let deadline = Deadline::after(limit);
        loop {
            if let Some(message) = self.next_message()? {
                return Ok(Some(message));
            }
            if !self.fill()? {
                if deadline.has_passed() {
                    return Ok(None);
                }
                self.wait(PollFlags::IN, deadline.left(limit))?;
            }
        }
    }

    /// Reads what is there; whether there was anything.
    fn fill(&mut self) -> Result<bool> {
        self.input.copy_within(self.taken..self.filled, 0);
        self.filled -= self.taken;
        self.taken = 0;
        if self.filled == self.input.len() {
            self.input.resize(self.input.len() * 2, 0);
        }
        match self.socket.read(&mut self.input[self.filled..]) {
            Ok(0) => Err(lost("the sound server has closed the connection")),
            Ok(n) => {
                self.filled += n;
                Ok(true)
            }
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(false),
            Err(e) => Err(lost(&e.to_string())),
        }
    }

    fn next_message(&mut self) -> Result<Option<Message>> {
        loop {
            let there = &self.input[self.taken..self.filled];
            if there.len() < DESCRIPTOR_SIZE {
                return Ok(None);
            }
            let head = read_descriptor(&mut &there[..DESCRIPTOR_SIZE]).map_err(|e| broken(&e))?;
            let length = head.length as usize;
            if length > LONGEST {
                return Err(lost("the sound server sends nonsense"));
            }
            if there.len() < DESCRIPTOR_SIZE + length {
                return Ok(None);
            }
            let start = self.taken + DESCRIPTOR_SIZE;
            let range = start..start + length;
            self.taken = range.end;
            if head.channel != u32::MAX {
                return Ok(Some(Message::Data(head.channel, range)));
            }
            let mut cursor = Cursor::new(&self.input[range.clone()]);
            match Command::read_tag_prefixed(&mut cursor, self.version) {
                Ok((number, Command::Reply)) => {
                    return Ok(Some(Message::Reply(number, start + cursor.position() as usize..range.end)));
                }
                Ok((number, Command::Error(error))) => return Ok(Some(Message::Refused(number, error))),
                Ok((_, command)) => return Ok(Some(Message::Command(command))),
                // what newer servers say besides
                Err(e) => tracing::debug!("from the sound server: {e}"),
            }
        }
    }
}

/// The bytes before a zero, as the protocol has strings.
pub(super) fn text(text: &str) -> CString {
    let end = text.find('\0').unwrap_or(text.len());
    CString::new(&text[..end]).unwrap_or_default()
}

fn no_server(why: &str) -> Error {
    Error::new(ErrorKind::Device, format!("there is no sound server: {why}")).with_hint(
        "sound devices need PipeWire with pipewire-pulse, or PulseAudio, running for this user: on Debian and \
         Ubuntu apt install pipewire-pulse wireplumber, then systemctl --user start pipewire-pulse",
    )
}

/// The connection is no more.
pub(super) fn lost(why: &str) -> Error {
    Error::new(ErrorKind::DeviceLost, why)
}

fn broken(error: &ProtocolError) -> Error {
    lost(&format!("the sound server says what cannot be understood: {error}"))
}

fn refused(error: PulseError) -> Error {
    let (kind, hint) = match error {
        PulseError::NoEntity => (ErrorKind::DeviceNotFound, "it may have been unplugged just now"),
        PulseError::Busy => (ErrorKind::DeviceBusy, "close the program that uses it"),
        PulseError::AccessDenied | PulseError::AuthKey => {
            (ErrorKind::Device, "the sound server belongs to another user, or lets this program do nothing")
        }
        PulseError::ConnectionTerminated | PulseError::Killed => (ErrorKind::DeviceLost, "try again"),
        _ => (ErrorKind::Device, "see the sound server's log"),
    };
    Error::new(kind, format!("the sound server refuses: {}", error.to_string().to_lowercase()))
        .with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lk_media::thread::spawn;
    use pulseaudio::protocol::{
        CreatePlaybackStreamReply, PlaybackStreamParams, read_command_message, write_command_message,
        write_reply_message,
    };
    use std::io::BufReader;

    /// A connection to a server that refuses so often, then makes streams.
    fn connected(refusals: Vec<PulseError>) -> Connection {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let serve = move || {
            let (mut reader, mut writer) = (BufReader::new(&theirs), &theirs);
            let mut refusals = refusals.into_iter();
            while let Ok((number, Command::CreatePlaybackStream(_))) =
                read_command_message(&mut reader, MAX_VERSION)
            {
                match refusals.next() {
                    Some(error) => {
                        write_command_message(&mut writer, number, &Command::Error(error), MAX_VERSION)
                    }
                    None => {
                        let reply = CreatePlaybackStreamReply { channel: 7, ..Default::default() };
                        write_reply_message(&mut writer, number, &reply, MAX_VERSION)
                    }
                }
                .unwrap();
            }
        };
        spawn("a sound server", serve).unwrap().detach();
        Connection {
            socket: ours,
            version: MAX_VERSION,
            sequence: 0,
            input: vec![0; CHUNK],
            taken: 0,
            filled: 0,
            output: Vec::new(),
        }
    }

    #[test]
    fn a_stream_is_asked_for_again_where_that_may_help() {
        let made = |refusals: &[PulseError]| {
            let command = Command::CreatePlaybackStream(PlaybackStreamParams::default());
            connected(refusals.to_vec())
                .ask_for_stream::<CreatePlaybackStreamReply>(&command)
                .map(|reply| reply.channel)
                .map_err(|e| e.kind())
        };
        use PulseError::{Busy, Io, NoEntity};
        assert_eq!(made(&[]), Ok(7));
        assert_eq!(made(&[Io, Io]), Ok(7));
        assert_eq!(made(&[Io, Io, Io]), Err(ErrorKind::Device));
        assert_eq!(made(&[NoEntity]), Err(ErrorKind::DeviceNotFound));
        assert_eq!(made(&[Io, Busy]), Err(ErrorKind::DeviceBusy));
    }
}
