//! How a team answers: notes and acts, labels, saved replies.

pub mod labels;
pub mod notes;
pub mod saved_replies;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::State;

pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(notes::list_notes, notes::write_note))
        .routes(routes!(notes::list_activity))
        .routes(routes!(labels::label_conversation, labels::unlabel_conversation))
        .routes(routes!(labels::list_labels, labels::create_label))
        .routes(routes!(labels::rename_label, labels::delete_label))
        .routes(routes!(saved_replies::list_saved_replies, saved_replies::create_saved_reply))
        .routes(routes!(saved_replies::change_saved_reply, saved_replies::delete_saved_reply))
        .routes(routes!(saved_replies::render_saved_reply))
}
