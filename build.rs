//! Makes the folder of the built web app, so that cargo can watch it: what is not there counts as changed every time.

fn main() {
    if let Err(error) = std::fs::create_dir_all("web/dist") {
        println!("cargo::warning=web/dist cannot be made, so it is not watched: {error}");
    }
    println!("cargo::rerun-if-changed=web/dist");
    println!("cargo::rerun-if-changed=build.rs");
}
