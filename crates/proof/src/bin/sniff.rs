//! Writes down every packet that a network interface of this computer sees. Linux, and root in its network namespace.
#![allow(clippy::print_stdout)] // what it prints is that it has begun, for whoever started it

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Writes every packet of all interfaces to a file, until its standard input ends or a packet says that it is enough.
#[derive(Debug, Parser)]
#[command(name = "sniff", version)]
struct Options {
    /// Where to. What is there is replaced.
    #[arg(long)]
    into: PathBuf,

    /// Ends after the first packet that holds this text.
    #[arg(long)]
    until: String,
}

fn main() -> ExitCode {
    chatspot_proof::exit_code(run(&Options::parse()))
}

#[cfg(target_os = "linux")]
fn run(options: &Options) -> io::Result<()> {
    use socket2::{Domain, Protocol, Socket, Type};
    /// `AF_PACKET` of Linux: whole packets, as the card sees them.
    const AF_PACKET: i32 = 17;
    /// `ETH_P_ALL`, in the network's order: of every protocol.
    const EVERY: u16 = 0x0003_u16.to_be();
    let mut socket = Socket::new(
        Domain::from(AF_PACKET),
        Type::RAW,
        Some(Protocol::from(i32::from(EVERY))),
    )?;
    // Megabytes that come at once are kept until they are read.
    socket.set_recv_buffer_size(64 << 20)?;
    let mut into = File::create(&options.into)?;
    println!("listens");
    std::thread::spawn(|| {
        // The end of its input, or an input that cannot be read, is its end.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(0);
    });
    let mut packet = vec![0; 128 * 1024];
    loop {
        let length = socket.read(&mut packet)?;
        into.write_all(&packet[..length])?;
        let mut windows = packet[..length].windows(options.until.len().max(1));
        if windows.any(|window| window == options.until.as_bytes()) {
            return into.flush();
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn run(options: &Options) -> io::Result<()> {
    Err(io::Error::other(format!(
        "{} cannot be written until {:?}: only Linux shows packets this way",
        options.into.display(),
        options.until
    )))
}
