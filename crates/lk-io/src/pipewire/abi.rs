// SPDX-License-Identifier: GPL-2.0-or-later
//! Structures and numbers of libpipewire's stable interface (0.3 and 1.x), and what its headers do in inline functions.
//! Structures may have grown at their ends since: they are only read, or made with the version that is written here.
#![allow(unsafe_code)]

use std::ffi::{c_char, c_int, c_void};

pub(super) const ID_ANY: u32 = u32::MAX;
pub(super) const VERSION_REGISTRY: u32 = 3;
pub(super) const VERSION_NODE: u32 = 3;
pub(super) const DIRECTION_INPUT: c_int = 0;
pub(super) const DIRECTION_OUTPUT: c_int = 1;

pub(super) const STATE_ERROR: c_int = -1;
pub(super) const STATE_UNCONNECTED: c_int = 0;
pub(super) const STATE_STREAMING: c_int = 3;

pub(super) const FLAG_AUTOCONNECT: c_int = 1;
pub(super) const FLAG_MAP_BUFFERS: c_int = 1 << 2;
pub(super) const FLAG_DRIVER: c_int = 1 << 3;
pub(super) const FLAG_RT_PROCESS: c_int = 1 << 4;
pub(super) const FLAG_DONT_RECONNECT: c_int = 1 << 7;

pub(super) const DATA_MEM_PTR: u32 = 1;
pub(super) const DATA_MEM_FD: u32 = 2;
pub(super) const META_HEADER: u32 = 1;
pub(super) const META_VIDEO_CROP: u32 = 2;
pub(super) const CHUNK_CORRUPTED: i32 = 1;
pub(super) const HEADER_CORRUPTED: u32 = 1 << 1;

/// Things that only the library looks into.
macro_rules! opaque {
    ($($name:ident)*) => { $(
        #[repr(C)]
        pub(super) struct $name {
            _private: [u8; 0],
        }
    )* };
}
opaque! { Context Properties Stream Pod }

#[repr(C)]
pub(super) struct DictItem {
    pub key: *const c_char,
    pub value: *const c_char,
}

#[repr(C)]
pub(super) struct Dict {
    pub flags: u32,
    pub count: u32,
    pub items: *const DictItem,
}

#[repr(C)]
struct List {
    next: *mut List,
    prev: *mut List,
}

#[repr(C)]
struct Callbacks {
    functions: *const c_void,
    data: *mut c_void,
}

/// A place in a list of listeners. It must stay where it is until it is removed.
#[repr(C)]
pub(super) struct Hook {
    link: List,
    callbacks: Callbacks,
    removed: Option<unsafe extern "C" fn(*mut Hook)>,
    private: *mut c_void,
}

impl Hook {
    pub fn new() -> Self {
        Self {
            link: List { next: std::ptr::null_mut(), prev: std::ptr::null_mut() },
            callbacks: Callbacks { functions: std::ptr::null(), data: std::ptr::null_mut() },
            removed: None,
            private: std::ptr::null_mut(),
        }
    }

    /// Takes it out of its list.
    ///
    /// # Safety
    /// It is in no list, or in one that is still there.
    pub unsafe fn remove(&mut self) {
        let link = &mut self.link;
        if link.next.is_null() || link.prev.is_null() {
            return;
        }
        // SAFETY: neighbours in a list that is there are there.
        unsafe {
            (*link.prev).next = link.next;
            (*link.next).prev = link.prev;
        }
        (link.next, link.prev) = (std::ptr::null_mut(), std::ptr::null_mut());
        if let Some(removed) = self.removed.take() {
            // SAFETY: the library left it to be called with the hook it is in.
            unsafe { removed(self) };
        }
    }
}

/// What every object begins with: a table of functions and what to call them with.
#[repr(C)]
pub(super) struct Interface {
    kind: *const c_char,
    version: u32,
    callbacks: Callbacks,
}

impl Interface {
    /// The table of functions, and what to call them with.
    ///
    /// # Safety
    /// The object is there, and `T` is the table of its kind.
    pub unsafe fn methods<'a, T>(this: *mut Self) -> (&'a T, *mut c_void) {
        // SAFETY: objects keep their tables for as long as they live.
        unsafe { (&*(*this).callbacks.functions.cast::<T>(), (*this).callbacks.data) }
    }
}

#[repr(C)]
pub(super) struct Loop {
    system: *mut c_void,
    looped: *mut c_void,
    pub control: *mut Interface,
    utils: *mut c_void,
}

#[repr(C)]
pub(super) struct LoopControlMethods {
    version: u32,
    pub get_fd: unsafe extern "C" fn(*mut c_void) -> c_int,
    add_hook: *const c_void,
    pub enter: unsafe extern "C" fn(*mut c_void),
    pub leave: unsafe extern "C" fn(*mut c_void),
    pub iterate: unsafe extern "C" fn(*mut c_void, c_int) -> c_int,
}

/// Its first field is an [`Interface`].
pub(super) type Object = Interface;

#[repr(C)]
pub(super) struct CoreEvents {
    pub version: u32,
    pub info: Option<unsafe extern "C" fn(*mut c_void, *const CoreInfo)>,
    pub done: Option<unsafe extern "C" fn(*mut c_void, u32, c_int)>,
    pub ping: Option<unsafe extern "C" fn(*mut c_void, u32, c_int)>,
    pub error: Option<unsafe extern "C" fn(*mut c_void, u32, c_int, c_int, *const c_char)>,
    pub remove_id: Option<unsafe extern "C" fn(*mut c_void, u32)>,
    pub bound_id: Option<unsafe extern "C" fn(*mut c_void, u32, u32)>,
    pub add_mem: Option<unsafe extern "C" fn(*mut c_void, u32, u32, c_int, u32)>,
    pub remove_mem: Option<unsafe extern "C" fn(*mut c_void, u32)>,
}

/// What it begins with.
#[repr(C)]
pub(super) struct CoreInfo {
    id: u32,
    pub cookie: u32,
}

#[repr(C)]
pub(super) struct CoreMethods {
    version: u32,
    pub add_listener: unsafe extern "C" fn(*mut c_void, *mut Hook, *const CoreEvents, *mut c_void) -> c_int,
    hello: *const c_void,
    pub sync: unsafe extern "C" fn(*mut c_void, u32, c_int) -> c_int,
    pong: *const c_void,
    error: *const c_void,
    pub get_registry: unsafe extern "C" fn(*mut c_void, u32, usize) -> *mut Object,
}

#[repr(C)]
pub(super) struct RegistryEvents {
    pub version: u32,
    pub global: Option<unsafe extern "C" fn(*mut c_void, u32, u32, *const c_char, u32, *const Dict)>,
    pub global_remove: Option<unsafe extern "C" fn(*mut c_void, u32)>,
}

#[repr(C)]
pub(super) struct RegistryMethods {
    version: u32,
    pub add_listener:
        unsafe extern "C" fn(*mut c_void, *mut Hook, *const RegistryEvents, *mut c_void) -> c_int,
    pub bind: unsafe extern "C" fn(*mut c_void, u32, *const c_char, u32, usize) -> *mut Object,
}

#[repr(C)]
pub(super) struct NodeInfo {
    pub id: u32,
    max_input_ports: u32,
    max_output_ports: u32,
    change_mask: u64,
    input_ports: u32,
    output_ports: u32,
    state: c_int,
    error: *const c_char,
    pub properties: *const Dict,
}

#[repr(C)]
pub(super) struct NodeEvents {
    pub version: u32,
    pub info: Option<unsafe extern "C" fn(*mut c_void, *const NodeInfo)>,
    pub param: Option<unsafe extern "C" fn(*mut c_void, c_int, u32, u32, u32, *const Pod)>,
}

#[repr(C)]
pub(super) struct NodeMethods {
    version: u32,
    pub add_listener: unsafe extern "C" fn(*mut c_void, *mut Hook, *const NodeEvents, *mut c_void) -> c_int,
    subscribe_params: *const c_void,
    pub enum_params: unsafe extern "C" fn(*mut c_void, c_int, u32, u32, u32, *const Pod) -> c_int,
}

#[repr(C)]
pub(super) struct StreamEvents {
    pub version: u32,
    pub destroy: Option<unsafe extern "C" fn(*mut c_void)>,
    pub state_changed: Option<unsafe extern "C" fn(*mut c_void, c_int, c_int, *const c_char)>,
    pub control_info: Option<unsafe extern "C" fn(*mut c_void, u32, *const c_void)>,
    pub io_changed: Option<unsafe extern "C" fn(*mut c_void, u32, *mut c_void, u32)>,
    pub param_changed: Option<unsafe extern "C" fn(*mut c_void, u32, *const Pod)>,
    pub add_buffer: Option<unsafe extern "C" fn(*mut c_void, *mut Buffer)>,
    pub remove_buffer: Option<unsafe extern "C" fn(*mut c_void, *mut Buffer)>,
    pub process: Option<unsafe extern "C" fn(*mut c_void)>,
    pub drained: Option<unsafe extern "C" fn(*mut c_void)>,
    pub command: Option<unsafe extern "C" fn(*mut c_void, *const c_void)>,
    pub trigger_done: Option<unsafe extern "C" fn(*mut c_void)>,
}

/// What a stream hands out: pw_buffer.
#[repr(C)]
pub(super) struct Buffer {
    pub buffer: *mut SpaBuffer,
    pub user_data: *mut c_void,
    pub size: u64,
    /// Since 0.3.49.
    pub requested: u64,
}

/// pw_time, and room for what newer versions have at its end.
#[repr(C)]
#[derive(Default)]
pub(super) struct Time {
    now: i64,
    pub num: u32,
    pub denom: u32,
    ticks: u64,
    pub delay: i64,
    queued: u64,
    newer: [u64; 16],
}

#[repr(C)]
pub(super) struct SpaBuffer {
    pub metas_count: u32,
    pub datas_count: u32,
    pub metas: *mut Meta,
    pub datas: *mut Data,
}

#[repr(C)]
pub(super) struct Meta {
    pub kind: u32,
    pub size: u32,
    pub data: *mut c_void,
}

#[repr(C)]
pub(super) struct Data {
    pub kind: u32,
    flags: u32,
    pub fd: i64,
    pub map_offset: u32,
    pub max_size: u32,
    pub data: *mut c_void,
    pub chunk: *mut Chunk,
}

/// In memory that both sides may write.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Chunk {
    pub offset: u32,
    pub size: u32,
    pub stride: i32,
    pub flags: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct MetaHeader {
    pub flags: u32,
    pub offset: u32,
    pub pts: i64,
    pub dts_offset: i64,
    pub seq: u64,
}

/// spa_meta_region.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Region {
    pub x: i32,
    pub y: i32,
    pub width: u32,
    pub height: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn structures_are_as_the_headers_have_them() {
        assert_eq!(size_of::<Hook>(), 48);
        assert_eq!(size_of::<Interface>(), 32);
        assert_eq!(size_of::<Dict>(), 16);
        assert_eq!(size_of::<CoreEvents>(), 72);
        assert_eq!(size_of::<StreamEvents>(), 96);
        assert_eq!(size_of::<Buffer>(), 32);
        assert_eq!(std::mem::offset_of!(Time, delay), 24);
        assert_eq!(size_of::<SpaBuffer>(), 24);
        assert_eq!(size_of::<Meta>(), 16);
        assert_eq!(size_of::<Data>(), 40);
        assert_eq!(size_of::<Chunk>(), 16);
        assert_eq!(size_of::<MetaHeader>(), 32);
        assert_eq!(size_of::<Region>(), 16);
        assert_eq!(std::mem::offset_of!(NodeInfo, properties), 48);
        assert_eq!(std::mem::offset_of!(CoreMethods, get_registry), 48);
        assert_eq!(std::mem::offset_of!(LoopControlMethods, iterate), 40);
    }
}
