//! A started program: what it prints is read line by line, and it is ended by its own id, be it when this is dropped.
//!
//! Programs stay in the process group of whoever starts them, so that a Ctrl-C at the terminal ends them too.

use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::task::JoinHandle;

/// A program that runs.
#[derive(Debug)]
pub struct Program {
    what: String,
    child: Child,
    /// None once it was told to end.
    input: Option<ChildStdin>,
    reading: JoinHandle<()>,
}

/// What can go wrong with a program.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It does not start.
    #[error("{what} cannot be started: {source}")]
    Start {
        /// Which program.
        what: String,
        /// What the system says.
        source: io::Error,
    },
    /// It ended without having been told to: a crash of its own.
    #[error("{what} ended by itself: {status}")]
    Ended {
        /// Which program.
        what: String,
        /// How.
        status: ExitStatus,
    },
    /// It cannot be ended or spoken to.
    #[error("{what}: {source}")]
    System {
        /// Which program.
        what: String,
        /// What the system says.
        source: io::Error,
    },
}

impl Program {
    /// Starts it. Each line that it prints goes to `line`, what it complains about to the end of the file `errors`.
    pub fn start(
        what: &str,
        command: std::process::Command,
        errors: &Path,
        mut line: impl FnMut(&str) + Send + 'static,
    ) -> Result<Self, ProgramError> {
        let what = what.to_owned();
        let failed = |source| ProgramError::Start {
            what: what.clone(),
            source,
        };
        let errors = File::options()
            .append(true)
            .create(true)
            .open(errors)
            .map_err(failed)?;
        let mut child = Command::from(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let input = child.stdin.take();
        let output = child.stdout.take().expect("it was asked for");
        let reading = tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(text)) = lines.next_line().await {
                line(&text);
            }
        });
        Ok(Self {
            what,
            child,
            input,
            reading,
        })
    }

    /// Writes a line to its standard input.
    pub async fn tell(&mut self, line: &str) -> Result<(), ProgramError> {
        let Some(input) = &mut self.input else {
            return Ok(());
        };
        let text = format!("{line}\n");
        input
            .write_all(text.as_bytes())
            .await
            .map_err(|source| ProgramError::System {
                what: self.what.clone(),
                source,
            })
    }

    /// Ends it where it stands (SIGKILL), and returns when it is gone and all that it printed was read.
    pub async fn kill(mut self) -> Result<(), ProgramError> {
        self.runs()?;
        let killed = self.child.kill().await;
        killed.map_err(|source| ProgramError::System {
            what: self.what.clone(),
            source,
        })?;
        // A line that makes its reader panic is that reader's defect, and told by the panic.
        let _ = self.reading.await;
        Ok(())
    }

    /// Asks it to end (SIGTERM), and waits until it has.
    #[cfg(unix)]
    pub async fn terminate(self) -> Result<ExitStatus, ProgramError> {
        let what = self.what.clone();
        let failed = |source| ProgramError::System { what, source };
        if let Some(id) = self.child.id() {
            let told = Command::new("kill").arg(id.to_string()).status().await;
            told.map_err(failed)?;
        }
        self.ended().await
    }

    /// Waits until it ends by itself.
    pub async fn ended(mut self) -> Result<ExitStatus, ProgramError> {
        let status = self.child.wait().await;
        // As in `kill`.
        let _ = self.reading.await;
        status.map_err(|source| ProgramError::System {
            what: self.what,
            source,
        })
    }

    /// An error when it has ended already.
    pub fn runs(&mut self) -> Result<(), ProgramError> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(ProgramError::Ended {
                what: self.what.clone(),
                status,
            }),
            Err(source) => Err(ProgramError::System {
                what: self.what.clone(),
                source,
            }),
        }
    }
}
