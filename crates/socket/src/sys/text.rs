//! The words of the system and of the resolver, and the resolver itself.

use std::ffi::{CStr, CString, c_char, c_int};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ptr;

/// What the system calls an error, without a number behind it: `Connection refused`.
pub(crate) fn error_text(error: &io::Error) -> String {
    let Some(code) = error.raw_os_error() else { return error.to_string() };
    let mut text = [0; 128];
    // SAFETY: the buffer is as long as it is said to be; the text is a NUL-terminated part of it.
    let text = unsafe {
        if libc::strerror_r(code, text.as_mut_ptr(), text.len()) != 0 {
            return error.to_string();
        }
        CStr::from_ptr(text.as_ptr())
    };
    text.to_string_lossy().into_owned()
}

/// The addresses of a host, in the order of the resolver. It may take seconds.
///
/// # Errors
///
/// The resolver's own words: `Name or service not known`.
pub(crate) fn resolve(host: &str) -> Result<Vec<IpAddr>, String> {
    let name = CString::new(host).map_err(|_| "Name or service not known".to_owned())?;
    // SAFETY: zeroes are a value of the structure: no limits.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    // One entry for each address, not one for each kind of socket.
    hints.ai_socktype = libc::SOCK_STREAM;
    let mut list = ptr::null_mut();
    // SAFETY: the name is NUL-terminated, and the list is written only if the call succeeds.
    let code = unsafe { libc::getaddrinfo(name.as_ptr(), ptr::null(), &hints, &mut list) };
    if code != 0 {
        return Err(failure(code));
    }
    let mut found = Vec::new();
    let mut entry = list;
    // SAFETY: the list is that of `getaddrinfo`: linked, ended by null, each address of the family that its entry says.
    unsafe {
        while let Some(info) = entry.as_ref() {
            found.extend(address(info));
            entry = info.ai_next;
        }
        libc::freeaddrinfo(list);
    }
    Ok(found)
}

/// # Safety
///
/// The entry is one that `getaddrinfo` made.
unsafe fn address(info: &libc::addrinfo) -> Option<IpAddr> {
    // SAFETY: as the caller promises.
    unsafe {
        match info.ai_family {
            libc::AF_INET => {
                let raw = info.ai_addr.cast::<libc::sockaddr_in>().read_unaligned();
                Some(Ipv4Addr::from(raw.sin_addr.s_addr.to_ne_bytes()).into())
            }
            libc::AF_INET6 => {
                let raw = info.ai_addr.cast::<libc::sockaddr_in6>().read_unaligned();
                Some(Ipv6Addr::from(raw.sin6_addr.s6_addr).into())
            }
            _ => None,
        }
    }
}

fn failure(code: c_int) -> String {
    if code == libc::EAI_SYSTEM {
        return error_text(&io::Error::last_os_error());
    }
    // SAFETY: the text is a constant of the C library.
    unsafe {
        let text: *const c_char = libc::gai_strerror(code);
        if text.is_null() {
            return format!("the resolver failed with code {code}");
        }
        CStr::from_ptr(text).to_string_lossy().into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_the_words_of_the_system_alone() {
        assert_eq!(error_text(&io::Error::from_raw_os_error(libc::ECONNREFUSED)), "Connection refused");
        assert_eq!(error_text(&io::Error::other("own words")), "own words");
    }

    #[test]
    fn numbers_resolve_without_a_server() {
        assert_eq!(resolve("127.0.0.1").as_deref(), Ok(&[IpAddr::from([127, 0, 0, 1])][..]));
        assert_eq!(resolve("::1").as_deref(), Ok(&[IpAddr::from(Ipv6Addr::LOCALHOST)][..]));
        assert_eq!(resolve("not a name").unwrap_err(), "Name or service not known");
    }
}
