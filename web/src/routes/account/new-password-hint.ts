/** What a new password must be, before the server has said anything about one. */
export const NEW_PASSWORD_HINT = "8 characters or more, and hard to guess: four words that do not belong together are good.";
