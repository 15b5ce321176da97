//! Arguments, then the application.

use clap::Parser;
use switchboard::arguments::Arguments;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    switchboard::app::run(Arguments::parse()).await
}
