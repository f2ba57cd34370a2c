//! What the kernel says of a process and of sockets.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::Context;

/// Time of threads that ended is in the process's ticks only, and those are rounded; below this, threads win.
const TICKS_ROUNDING_SECONDS: f64 = 0.025;

/// A process of this machine by its number.
#[derive(Debug, Clone, Copy)]
pub struct Process {
    pub id: u32,
}

/// What a process has used so far.
#[derive(Debug, Clone)]
pub struct Usage {
    cpu: Cpu,
    /// The most memory that was resident at once, since the start or the last `reset_peak`.
    pub peak_memory_bytes: u64,
    pub memory_bytes: u64,
}

/// User and system time of all threads, told twice: in ticks of 10 ms, and by thread in nanoseconds.
#[derive(Debug, Clone)]
struct Cpu {
    seconds: f64,
    thread_ns: BTreeMap<u32, u64>,
}

impl Process {
    fn path(self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.id))
    }

    fn read(self, name: &str) -> anyhow::Result<String> {
        let path = self.path(name);
        fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
    }

    pub fn usage(self) -> anyhow::Result<Usage> {
        let ticks_per_second = rustix::param::clock_ticks_per_second();
        let seconds = parse_cpu_seconds(&self.read("stat")?, ticks_per_second)?;
        let mut thread_ns = BTreeMap::new();
        for entry in fs::read_dir(self.path("task")).context("listing threads")? {
            let Some(thread) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            // A thread may end between the two looks.
            let Ok(text) = self.read(&format!("task/{thread}/schedstat")) else { continue };
            let ns = text.split_ascii_whitespace().next().and_then(|ns| ns.parse().ok());
            thread_ns.insert(thread, ns.context("schedstat begins with a number")?);
        }
        let status = self.read("status")?;
        Ok(Usage {
            cpu: Cpu { seconds, thread_ns },
            peak_memory_bytes: parse_kilobytes(&status, "VmHWM")? * 1024,
            memory_bytes: parse_kilobytes(&status, "VmRSS")? * 1024,
        })
    }

    /// What the process has handed to disks so far, in bytes (proc(5), `io`).
    pub fn written_bytes(self) -> anyhow::Result<u64> {
        let text = self.read("io")?;
        let value = text.lines().find_map(|line| line.strip_prefix("write_bytes:"));
        Ok(value.context("io has no write_bytes")?.trim().parse()?)
    }

    /// Lets the peak of resident memory begin anew (proc(5), `clear_refs`).
    pub fn reset_peak(self) -> anyhow::Result<()> {
        let path = self.path("clear_refs");
        fs::write(&path, "5").with_context(|| format!("writing {}", path.display()))
    }
}

impl Usage {
    /// CPU time since the start of the process.
    pub fn cpu_seconds(&self) -> f64 {
        let by_thread: u64 = self.cpu.thread_ns.values().sum();
        self.cpu.seconds.max(by_thread as f64 / 1e9)
    }

    /// CPU time since `earlier`.
    pub fn cpu_seconds_since(&self, earlier: &Self) -> f64 {
        let by_thread: u64 = self
            .cpu
            .thread_ns
            .iter()
            .map(|(thread, ns)| ns.saturating_sub(earlier.cpu.thread_ns.get(thread).copied().unwrap_or(0)))
            .sum();
        let (by_thread, by_ticks) = (by_thread as f64 / 1e9, self.cpu.seconds - earlier.cpu.seconds);
        if by_ticks > by_thread + TICKS_ROUNDING_SECONDS { by_ticks } else { by_thread }
    }
}

/// Memory of all TCP sockets of this network namespace, in bytes; readers' and server's alike.
pub fn tcp_memory_bytes() -> anyhow::Result<u64> {
    let text = fs::read_to_string("/proc/net/sockstat").context("reading /proc/net/sockstat")?;
    let pages = parse_tcp_pages(&text).context("sockstat has no memory of TCP")?;
    Ok(pages * rustix::param::page_size() as u64)
}

fn parse_tcp_pages(sockstat: &str) -> Option<u64> {
    let line = sockstat.lines().find_map(|line| line.strip_prefix("TCP:"))?;
    let mut words = line.split_ascii_whitespace().skip_while(|word| *word != "mem");
    words.nth(1)?.parse().ok()
}

/// Reads `/proc/PID/stat` (proc(5)).
fn parse_cpu_seconds(stat: &str, ticks_per_second: u64) -> anyhow::Result<f64> {
    // The second field is the name in brackets, which may hold blanks and brackets itself.
    let after_name = stat.rsplit_once(')').context("stat has no name")?.1;
    let fields: Vec<&str> = after_name.split_ascii_whitespace().collect();
    let ticks = |index: usize| -> anyhow::Result<u64> {
        Ok(fields.get(index).context("stat is too short")?.parse()?)
    };
    Ok((ticks(11)? + ticks(12)?) as f64 / ticks_per_second as f64)
}

fn parse_kilobytes(status: &str, key: &str) -> anyhow::Result<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    let value = line.and_then(|line| line.split_ascii_whitespace().next());
    Ok(value.with_context(|| format!("status has no {key}"))?.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_read_past_a_name_with_brackets() {
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0";
        assert!((parse_cpu_seconds(stat, 100).unwrap() - 2.0).abs() < 1e-9);
        let status = "Name:\tx\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\n";
        assert_eq!(parse_kilobytes(status, "VmHWM").unwrap(), 2048);
        assert!(parse_kilobytes(status, "VmSwap").is_err());
    }

    #[test]
    fn threads_count_in_nanoseconds_and_ended_ones_in_ticks() {
        let usage = |seconds, threads: &[(u32, u64)]| Usage {
            cpu: Cpu { seconds, thread_ns: threads.iter().copied().collect() },
            peak_memory_bytes: 0,
            memory_bytes: 0,
        };
        let before = usage(1.0, &[(1, 5_000), (2, 7_000)]);
        let after = usage(1.01, &[(1, 1_005_000), (3, 500_000)]);
        assert!((after.cpu_seconds_since(&before) - 0.0015).abs() < 1e-9);
        let ended = usage(2.0, &[(1, 1_005_000)]);
        assert!((ended.cpu_seconds_since(&before) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn our_own_process_has_a_usage() {
        let usage = Process { id: std::process::id() }.usage().unwrap();
        assert!(usage.peak_memory_bytes >= usage.memory_bytes && usage.memory_bytes > 0);
        assert!(Process { id: std::process::id() }.written_bytes().is_ok());
    }

    #[test]
    fn memory_of_sockets_is_found_among_the_other_counts() {
        assert_eq!(
            parse_tcp_pages("sockets: used 16\nTCP: inuse 1 orphan 0 tw 12 alloc 1 mem 127\n"),
            Some(127)
        );
        assert_eq!(parse_tcp_pages("UDP: inuse 0 mem 0\n"), None);
    }
}
