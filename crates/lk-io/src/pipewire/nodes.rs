// SPDX-License-Identifier: GPL-2.0-or-later
//! The nodes that give pictures, what they offer, and news of them.
#![allow(unsafe_code)]

use super::abi::{
    Dict, Hook, ID_ANY, Interface, NodeEvents, NodeInfo, NodeMethods, Object as Proxy, Pod, RegistryEvents,
    RegistryMethods, VERSION_NODE, VERSION_REGISTRY,
};
use super::connection::{ANSWER, Connection, bytes, entries, guard, text};
use super::formats::{ENUM_FORMAT, NodeFormat, offered};
use super::pod::Object;
use crate::bell::Bell;
use lk_media::clock::Deadline;
use lk_media::thread::{self, Process, Thread};
use lk_media::{Cancel, Error, Result};
use parking_lot::Mutex;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::ffi::{c_char, c_int, c_void};
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Duration;

const NODE: &std::ffi::CStr = c"PipeWire:Interface:Node";
const LINK: &[u8] = b"PipeWire:Interface:Link";
const SOURCE: &str = "Video/Source";
const SOUND: &str = "Audio/";
/// Nodes that are looked at; a server with more is not one of this world.
const MOST: usize = 256;
/// Formats of a node that are kept.
const MOST_FORMATS: usize = 512;
/// Nodes that come together are told of together.
const GATHER: Duration = Duration::from_millis(50);
/// So often a server that is not there is looked for.
const AGAIN: Duration = Duration::from_secs(1);

/// A node that gives pictures: a camera, a screen, another program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoNode {
    /// The name the node has: the same after a restart of everything, for cameras.
    pub name: String,
    /// What people call it.
    pub description: String,
    /// The server's number for it, which no other node gets.
    pub serial: u64,
    /// The server's number for it, which another node may get later.
    pub id: u32,
    /// What it is for ("Camera"); empty if it does not say.
    pub role: String,
    /// The V4L2 device it is made of ("/dev/video0").
    pub v4l2_path: Option<String>,
    /// What it offers.
    pub formats: Vec<NodeFormat>,
}

/// The nodes there are now, cameras first. An error of kind Device where there is no PipeWire.
pub fn video_nodes() -> Result<Vec<VideoNode>> {
    let deadline = Deadline::after(ANSWER);
    let connection = Connection::open(None)?;
    let registry = Registry::new(&connection)?;
    registry.gather(deadline)?;
    Ok(registry.nodes())
}

/// A node and what is heard of it.
struct Bound {
    proxy: NonNull<Proxy>,
    hook: Box<Hook>,
    heard: Box<Heard>,
}

/// What callbacks write down of a node.
#[derive(Default)]
struct Heard {
    properties: RefCell<HashMap<String, String>>,
    formats: RefCell<Vec<NodeFormat>>,
    changed: Cell<bool>,
}

/// What callbacks write down of everything.
struct Globals {
    /// Nodes that give pictures, by id: what they said of themselves.
    nodes: RefCell<BTreeMap<u32, HashMap<String, String>>>,
    /// The same of sound devices.
    sounds: RefCell<BTreeMap<u32, HashMap<String, String>>>,
    /// Links: from which node.
    links: RefCell<HashMap<u32, u32>>,
    changed: Cell<bool>,
    /// A node of any kind whose end is to be heard of.
    watched: Cell<u32>,
    gone: Cell<bool>,
}

impl Globals {
    fn new() -> Self {
        Self {
            nodes: RefCell::default(),
            sounds: RefCell::default(),
            links: RefCell::default(),
            changed: Cell::new(false),
            watched: Cell::new(ID_ANY),
            gone: Cell::new(false),
        }
    }
}

/// The server's list of what there is.
pub(super) struct Registry<'c> {
    connection: &'c Connection,
    proxy: NonNull<Proxy>,
    hook: Box<Hook>,
    globals: Box<Globals>,
    bound: RefCell<BTreeMap<u32, Bound>>,
}

static REGISTRY_EVENTS: RegistryEvents =
    RegistryEvents { version: 0, global: Some(on_global), global_remove: Some(on_global_remove) };
static NODE_EVENTS: NodeEvents = NodeEvents { version: 0, info: Some(on_info), param: Some(on_param) };

unsafe extern "C" fn on_global(
    data: *mut c_void,
    id: u32,
    _: u32,
    kind: *const c_char,
    _: u32,
    dict: *const Dict,
) {
    // SAFETY: the listener is taken away before what it was made with; strings and dictionary are the library's.
    let (globals, kind, dict) = unsafe { (&*data.cast::<Globals>(), text(kind), entries(dict)) };
    guard(|| {
        let properties: HashMap<String, String> = dict.into_iter().collect();
        if kind.as_bytes() == NODE.to_bytes() {
            let class = properties.get("media.class").map(String::as_str).unwrap_or_default();
            let mut nodes = globals.nodes.borrow_mut();
            let mut sounds = globals.sounds.borrow_mut();
            if class == SOURCE && nodes.len() < MOST {
                nodes.insert(id, properties);
                globals.changed.set(true);
            } else if class.starts_with(SOUND) && sounds.len() < MOST {
                sounds.insert(id, properties);
            }
        } else if kind.as_bytes() == LINK {
            let from = properties.get("link.output.node").and_then(|n| n.parse().ok());
            globals.links.borrow_mut().extend(from.map(|from| (id, from)));
        }
    });
}

unsafe extern "C" fn on_global_remove(data: *mut c_void, id: u32) {
    // SAFETY: the listener is taken away before what it was made with.
    let globals = unsafe { &*data.cast::<Globals>() };
    guard(|| {
        if globals.nodes.borrow_mut().remove(&id).is_some() {
            globals.changed.set(true);
        }
        globals.sounds.borrow_mut().remove(&id);
        globals.links.borrow_mut().remove(&id);
        if id == globals.watched.get() {
            globals.gone.set(true);
        }
    });
}

unsafe extern "C" fn on_info(data: *mut c_void, info: *const NodeInfo) {
    // SAFETY: the listener is taken away before what it was made with; the structure is the library's.
    let (heard, properties) = unsafe {
        let properties = if info.is_null() { Vec::new() } else { entries((*info).properties) };
        (&*data.cast::<Heard>(), properties)
    };
    guard(|| {
        heard.properties.borrow_mut().extend(properties);
        heard.changed.set(true);
    });
}

unsafe extern "C" fn on_param(data: *mut c_void, _: c_int, id: u32, _: u32, _: u32, pod: *const Pod) {
    // SAFETY: the listener is taken away before what it was made with; the parameter is the library's.
    let (heard, bytes) = unsafe { (&*data.cast::<Heard>(), bytes(pod)) };
    guard(|| {
        let mut formats = heard.formats.borrow_mut();
        if id == ENUM_FORMAT && formats.len() < MOST_FORMATS {
            formats.extend(Object::read(bytes).iter().flat_map(offered));
            heard.changed.set(true);
        }
    });
}

impl<'c> Registry<'c> {
    pub fn new(connection: &'c Connection) -> Result<Self> {
        let (methods, core) = connection.methods();
        // SAFETY: the core is there.
        let proxy = unsafe { (methods.get_registry)(core, VERSION_REGISTRY, 0) };
        let proxy = NonNull::new(proxy).ok_or_else(|| Error::internal("PipeWire gives no registry"))?;
        let (hook, globals) = (Box::new(Hook::new()), Box::new(Globals::new()));
        let mut this = Self { connection, proxy, hook, globals, bound: RefCell::default() };
        // SAFETY: hook and data stay where they are until the hook is removed.
        unsafe {
            let (methods, object) = Interface::methods::<RegistryMethods>(proxy.as_ptr());
            let data = std::ptr::from_ref(&*this.globals).cast_mut().cast();
            (methods.add_listener)(object, &raw mut *this.hook, &raw const REGISTRY_EVENTS, data);
        }
        Ok(this)
    }

    /// Hears of everything that is there, and asks each node what it offers.
    pub fn gather(&self, deadline: Deadline) -> Result<()> {
        self.connection.round_trip(deadline)?;
        self.look();
        self.connection.round_trip(deadline)
    }

    /// Asks nodes that are new, and forgets those that are gone; whether anything changed since it was called last.
    pub fn look(&self) -> bool {
        let nodes = self.globals.nodes.borrow();
        let mut bound = self.bound.borrow_mut();
        let gone: Vec<u32> = bound.keys().copied().filter(|id| !nodes.contains_key(id)).collect();
        gone.iter().filter_map(|id| bound.remove(id)).for_each(|node| self.release(node));
        let new: Vec<u32> = nodes.keys().copied().filter(|id| !bound.contains_key(id)).collect();
        bound.extend(new.into_iter().filter_map(|id| Some((id, self.bind(id)?))));
        let changed = bound.values().fold(false, |any, node| node.heard.changed.replace(false) | any);
        self.globals.changed.replace(false) | changed
    }

    fn bind(&self, id: u32) -> Option<Bound> {
        // SAFETY: the registry is there.
        let proxy = unsafe {
            let (methods, object) = Interface::methods::<RegistryMethods>(self.proxy.as_ptr());
            NonNull::new((methods.bind)(object, id, NODE.as_ptr(), VERSION_NODE, 0))?
        };
        let mut node = Bound { proxy, hook: Box::new(Hook::new()), heard: Box::default() };
        // SAFETY: hook and data stay where they are until the hook is removed.
        unsafe {
            let (methods, object) = Interface::methods::<NodeMethods>(proxy.as_ptr());
            let data = std::ptr::from_ref(&*node.heard).cast_mut().cast();
            (methods.add_listener)(object, &raw mut *node.hook, &raw const NODE_EVENTS, data);
            (methods.enum_params)(object, 0, ENUM_FORMAT, 0, u32::MAX, std::ptr::null());
        }
        Some(node)
    }

    fn release(&self, mut node: Bound) {
        // SAFETY: the proxy is there, and nobody has it after this.
        unsafe {
            node.hook.remove();
            (self.connection.library().pw_proxy_destroy)(node.proxy.as_ptr());
        }
    }

    /// What is known of the nodes, cameras first, those that came first before others.
    pub fn nodes(&self) -> Vec<VideoNode> {
        let globals = self.globals.nodes.borrow();
        let bound = self.bound.borrow();
        let mut nodes: Vec<VideoNode> = globals
            .iter()
            .map(|(id, properties)| {
                let heard = bound.get(id).map(|node| &node.heard);
                let own = heard.map(|heard| heard.properties.borrow());
                let find =
                    |key: &str| own.as_ref().and_then(|own| own.get(key)).or_else(|| properties.get(key));
                let string = |key: &str| find(key).filter(|s| !s.is_empty()).cloned();
                let serial = string("object.serial").and_then(|s| s.parse().ok()).unwrap_or(u64::from(*id));
                let name = string("node.name").unwrap_or_else(|| format!("node {serial}"));
                let description = string("node.description").or_else(|| string("node.nick"));
                VideoNode {
                    description: description.unwrap_or_else(|| name.clone()),
                    name,
                    serial,
                    id: *id,
                    role: string("media.role").unwrap_or_default(),
                    v4l2_path: string("api.v4l2.path"),
                    formats: heard.map(|heard| heard.formats.borrow().clone()).unwrap_or_default(),
                }
            })
            .collect();
        nodes.sort_by_key(|node| (node.role != "Camera", node.serial));
        nodes
    }

    /// The id and the serial number of the sound device of that name, whose class ("Audio/Sink") begins with one of these.
    pub fn sound(&self, name: &str, classes: &[&str]) -> Option<(u32, String)> {
        let sounds = self.globals.sounds.borrow();
        let is = |properties: &HashMap<String, String>| {
            let class = properties.get("media.class").map(String::as_str).unwrap_or_default();
            properties.get("node.name").is_some_and(|n| n == name)
                && classes.iter().any(|c| class.starts_with(c))
        };
        let (id, properties) = sounds.iter().find(|(_, properties)| is(properties))?;
        Some((*id, properties.get("object.serial").cloned()?))
    }

    /// Hears of the end of a node, whatever it is.
    pub fn watch(&self, id: u32) {
        self.globals.watched.set(id);
    }

    /// Whether the node that is watched is gone.
    pub fn is_gone(&self) -> bool {
        self.globals.gone.get()
    }

    /// Whether a node that gives pictures has this id.
    pub fn has(&self, id: u32) -> bool {
        self.globals.nodes.borrow().contains_key(&id)
    }

    /// How many links begin at a node.
    pub fn links_from(&self, id: u32) -> usize {
        if id == ID_ANY {
            return 0;
        }
        self.globals.links.borrow().values().filter(|from| **from == id).count()
    }
}

impl Drop for Registry<'_> {
    fn drop(&mut self) {
        let bound = std::mem::take(&mut *self.bound.borrow_mut());
        bound.into_values().for_each(|node| self.release(node));
        // SAFETY: the proxy is there, and nobody has it after this.
        unsafe {
            self.hook.remove();
            (self.connection.library().pw_proxy_destroy)(self.proxy.as_ptr());
        }
    }
}

/// Tells of nodes that come, go or offer something else, until it is dropped. A server that is not there yet, or goes,
/// is waited for: without one there are no nodes.
pub struct NodeWatch {
    cancel: Cancel,
    bell: Arc<Bell>,
    thread: Mutex<Option<Thread>>,
    process: Process,
}

impl NodeWatch {
    /// Calls `changed` with all nodes: those there are now, and again after every change.
    pub fn new(changed: impl FnMut(Vec<VideoNode>) + Send + 'static) -> Result<Self> {
        let (cancel, bell) = (Cancel::new(), Arc::new(Bell::new()?));
        let thread = {
            let (cancel, bell) = (cancel.clone(), bell.clone());
            thread::spawn("lk-pw-watch", move || watch(&cancel, &bell, changed))?
        };
        Ok(Self { cancel, bell, thread: Mutex::new(Some(thread)), process: Process::here() })
    }

    /// Watches no more.
    pub fn close(&self) {
        if !self.process.is_this() {
            return;
        }
        self.cancel.cancel();
        self.bell.ring();
        let thread = self.thread.lock().take();
        drop(thread);
    }
}

impl Drop for NodeWatch {
    fn drop(&mut self) {
        self.close();
    }
}

fn watch(cancel: &Cancel, bell: &Bell, mut changed: impl FnMut(Vec<VideoNode>)) {
    let mut known: Option<Vec<VideoNode>> = None;
    let mut tell = |nodes: Vec<VideoNode>| {
        if known.as_ref() != Some(&nodes) {
            known = Some(nodes.clone());
            changed(nodes);
        }
    };
    while !cancel.is_cancelled() {
        if let Err(error) = watch_once(cancel, bell, &mut tell) {
            tracing::trace!("PipeWire's nodes are not watched: {error}");
            tell(Vec::new());
            if !cancel.is_cancelled() {
                bell.wait(AGAIN);
            }
        }
    }
}

fn watch_once(cancel: &Cancel, bell: &Bell, tell: &mut impl FnMut(Vec<VideoNode>)) -> Result<()> {
    let connection = Connection::open(None)?;
    let registry = Registry::new(&connection)?;
    registry.gather(Deadline::after(ANSWER))?;
    registry.look();
    tell(registry.nodes());
    while !cancel.is_cancelled() {
        connection.turn(Some(bell), None)?;
        if !registry.look() {
            continue;
        }
        let gathered = Deadline::after(GATHER);
        while !gathered.has_passed() && !cancel.is_cancelled() {
            connection.turn(Some(bell), Some(gathered.left(GATHER)))?;
            registry.look();
        }
        tell(registry.nodes());
    }
    Ok(())
}
