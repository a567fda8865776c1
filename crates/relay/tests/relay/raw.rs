//! A client made by hand: request lines and WebSocket frames that no library would send.

use std::net::SocketAddr;

use chatspot_protocol::identity::Channel;
use chatspot_protocol::ids::RoomId;
use chatspot_protocol::wire::{ClientFrame, ServerFrame};
use futures_util::FutureExt;
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::peer::{End, hello, identity, within};
use crate::secure::{self, Secured};

/// Opcodes of RFC 6455, section 5.2.
pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// A good upgrade request but for the lines that are added.
pub(crate) fn request(more: &str) -> String {
    format!(
        "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
    )
}

/// A client frame by hand.
#[derive(Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub(crate) last: bool,
    pub(crate) reserved: u8,
    pub(crate) opcode: u8,
    pub(crate) masked: bool,
    pub(crate) payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// A whole and proper frame.
    pub(crate) fn new(opcode: u8, payload: &'a [u8]) -> Self {
        Self {
            last: true,
            reserved: 0,
            opcode,
            masked: true,
            payload,
        }
    }

    /// The first part of a message, or a middle one.
    pub(crate) fn part(opcode: u8, payload: &'a [u8]) -> Self {
        Self {
            last: false,
            ..Self::new(opcode, payload)
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mask = [0x11, 0x22, 0x33, 0x44];
        let flag = if self.masked { 0x80 } else { 0 };
        let mut bytes = vec![u8::from(self.last) << 7 | self.reserved << 4 | self.opcode];
        match self.payload.len() {
            length @ 0..126 => bytes.push(flag | length as u8),
            length @ 126..65_536 => {
                bytes.push(flag | 0x7e);
                bytes.extend((length as u16).to_be_bytes());
            }
            length => {
                bytes.push(flag | 0x7f);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        if self.masked {
            bytes.extend(mask);
            let masked = self.payload.iter().zip(mask.iter().cycle());
            bytes.extend(masked.map(|(byte, mask)| byte ^ mask));
        } else {
            bytes.extend(self.payload);
        }
        bytes
    }
}

/// What a relay sent.
#[derive(Debug)]
pub(crate) enum Heard {
    Frame(Box<ServerFrame>),
    Ping,
    Pong,
    /// With its code; none when there was no close frame before the end.
    End(End),
}

/// A socket as it is, or under TLS.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl Wire for TcpStream {}
impl Wire for Secured {}

pub(crate) struct Raw {
    pub(crate) stream: Box<dyn Wire>,
    channel: Channel,
    read: Vec<u8>,
}

impl Raw {
    fn plain(stream: TcpStream) -> Self {
        Self {
            stream: Box::new(stream),
            channel: Channel::Nonce,
            read: Vec::new(),
        }
    }

    fn secured(stream: Secured) -> Self {
        Self {
            channel: Channel::Tls(secure::exporter(&stream)),
            stream: Box::new(stream),
            read: Vec::new(),
        }
    }

    /// A TCP connection, and nothing more.
    pub(crate) async fn connect(to: SocketAddr) -> Self {
        let stream = within("a connection", TcpStream::connect(to)).await;
        Self::plain(stream.unwrap())
    }

    /// A TLS connection.
    pub(crate) async fn connect_tls(to: SocketAddr) -> Self {
        Self::try_connect_tls(to).await.expect("no encryption")
    }

    /// A TLS connection, if the relay takes it.
    async fn try_connect_tls(to: SocketAddr) -> Option<Self> {
        let stream = within("a connection", TcpStream::connect(to)).await;
        let stream = within("encryption", secure::connect(stream.unwrap())).await;
        stream.ok().map(Self::secured)
    }

    /// A connection whose system takes little before the program reads.
    pub(crate) async fn connect_with_small_buffer(to: SocketAddr) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        socket.connect(&to.into()).unwrap();
        socket.set_nonblocking(true).unwrap();
        let stream = TcpStream::from_std(socket.into()).unwrap();
        Self::secured(within("encryption", secure::connect(stream)).await.unwrap())
    }

    /// Sends a request under TLS and gives the head of the answer.
    pub(crate) async fn ask(to: SocketAddr, request: &str) -> String {
        Self::connect_tls(to).await.answer(request).await
    }

    /// Sends a request as it is and gives the head of the answer.
    pub(crate) async fn ask_plain(to: SocketAddr, request: &str) -> String {
        Self::connect(to).await.answer(request).await
    }

    async fn answer(&mut self, request: &str) -> String {
        // The relay may answer and hang up before it has read everything.
        self.try_send(request.as_bytes()).await;
        self.head().await
    }

    /// Connects and upgrades, if the relay lets it.
    pub(crate) async fn try_upgrade(to: SocketAddr) -> Option<Self> {
        let mut raw = Self::try_connect_tls(to).await?;
        raw.try_send(request("").as_bytes()).await;
        raw.try_head().await.map(|_| raw)
    }

    async fn head(&mut self) -> String {
        self.try_head().await.expect("no whole answer")
    }

    /// The head of the answer, or none when the relay hung up without one.
    pub(crate) async fn try_head(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                let head: Vec<u8> = self.read.drain(..end + 4).collect();
                return Some(String::from_utf8(head).unwrap());
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    /// False at the end of the stream.
    async fn fill(&mut self) -> bool {
        let mut bytes = vec![0; 16 * 1024];
        let length = within("bytes of the relay", self.stream.read(&mut bytes)).await;
        let length = length.unwrap_or(0);
        self.read.extend(&bytes[..length]);
        length > 0
    }

    /// Reads until the end. False when the connection was reset, which might have cost us what was sent before.
    pub(crate) async fn ended_in_peace(&mut self) -> bool {
        let mut rest = Vec::new();
        within("the end", self.stream.read_to_end(&mut rest))
            .await
            .is_ok()
    }

    /// Reads until the relay closes, and gives how many bytes came.
    pub(crate) async fn drained(&mut self) -> usize {
        while self.fill().await {}
        self.read.len()
    }

    pub(crate) async fn upgrade(&mut self) {
        self.send(request("").as_bytes()).await;
        let head = self.head().await;
        assert!(head.starts_with("HTTP/1.1 101 "), "no upgrade: {head}");
    }

    /// Upgrades, says hello and takes the welcome.
    pub(crate) async fn join(to: SocketAddr, room: RoomId, number: u8) -> Self {
        let mut raw = Self::connect_tls(to).await;
        raw.enter(room, number).await;
        raw
    }

    pub(crate) async fn enter(&mut self, room: RoomId, number: u8) {
        self.upgrade().await;
        let ServerFrame::Greeting(greeting) = self.frame().await else {
            panic!("no greeting");
        };
        let hello = hello(
            &identity(number),
            "Raw",
            room,
            &self.channel,
            &greeting.nonce,
        );
        let hello = ClientFrame::Hello(Box::new(hello)).encode();
        self.send_frame(Frame::new(TEXT, hello.as_bytes())).await;
        let ServerFrame::Welcome(_) = self.frame().await else {
            panic!("no welcome");
        };
    }

    /// Sends bytes.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        assert!(self.try_send(bytes).await, "the relay hung up");
    }

    pub(crate) async fn send_frame(&mut self, frame: Frame<'_>) {
        self.send(&frame.bytes()).await;
    }

    /// Sends bytes that the relay may refuse half-way.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) -> bool {
        let sent = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        within("the relay to read", sent).await.is_ok()
    }

    /// The next text frame; pings are passed over.
    pub(crate) async fn frame(&mut self) -> ServerFrame {
        loop {
            match self.hear().await {
                Heard::Frame(frame) => return *frame,
                Heard::Ping | Heard::Pong => {}
                Heard::End(end) => panic!("the connection ended with {end:?}"),
            }
        }
    }

    /// Reads on until the connection is over.
    pub(crate) async fn end(&mut self) -> End {
        within("the end of the connection", async {
            loop {
                if let Heard::End(end) = self.hear().await {
                    return end;
                }
            }
        })
        .await
    }

    pub(crate) async fn hear(&mut self) -> Heard {
        loop {
            if let Some(heard) = self.take() {
                return heard;
            }
            if !self.fill().await {
                return Heard::End(None);
            }
        }
    }

    /// What has arrived already.
    pub(crate) fn heard_by_now(&mut self) -> Option<Heard> {
        let mut bytes = vec![0; 16 * 1024];
        while let Some(Ok(length @ 1..)) = self.stream.read(&mut bytes).now_or_never() {
            self.read.extend(&bytes[..length]);
        }
        self.take()
    }

    fn take(&mut self) -> Option<Heard> {
        let (opcode, length) = (*self.read.first()? & 0x0f, *self.read.get(1)?);
        assert!(length < 128, "a relay never masks");
        let (start, length) = match length {
            126 => (
                4,
                usize::from(u16::from_be_bytes(self.read.get(2..4)?.try_into().unwrap())),
            ),
            127 => (
                10,
                u64::from_be_bytes(self.read.get(2..10)?.try_into().unwrap()) as usize,
            ),
            short => (2, usize::from(short)),
        };
        let payload = self.read.get(start..start + length)?.to_vec();
        self.read.drain(..start + length);
        Some(match opcode {
            TEXT => {
                let text = String::from_utf8(payload).unwrap();
                Heard::Frame(Box::new(ServerFrame::decode(&text).unwrap()))
            }
            CLOSE => Heard::End(
                payload
                    .get(..2)
                    .map(|code| u16::from_be_bytes(code.try_into().unwrap())),
            ),
            PING => Heard::Ping,
            PONG => Heard::Pong,
            other => panic!("a relay never sends opcode {other}"),
        })
    }
}
