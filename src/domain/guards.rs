//! How often codes, sign-ins and accounts may be asked for.

/// Budgets of what costs money or guesses. 0 is no limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guards {
    /// Calling codes, each with its plus, whose numbers may get codes.
    pub code_countries: Vec<String>,
    /// Codes to one number in 10 minutes.
    pub codes_per_number: i64,
    /// Codes to one number in a day.
    pub codes_per_number_a_day: i64,
    /// Codes an hour to numbers that differ in their last four digits alone.
    pub codes_per_ten_thousand_numbers: i64,
    /// Codes an hour to numbers that differ in their last six digits alone.
    pub codes_per_million_numbers: i64,
    /// Codes an hour asked for from one address.
    pub codes_per_origin: i64,
    /// Codes a day in one workspace.
    pub codes_per_workspace: i64,
    /// Sign-ins tried in 10 minutes from one address.
    pub logins_per_origin: i64,
    /// Sign-ins tried in 10 minutes for one account.
    pub logins_per_account: i64,
    /// Accounts asked for in an hour from one address.
    pub sign_ups_per_origin: i64,
}

impl Guards {
    /// Whether a number's country is one of those that get codes; a short code is of none.
    pub fn may_get_codes(&self, number: &str) -> bool {
        number.starts_with('+') && self.code_countries.iter().any(|code| number.starts_with(code))
    }
}
