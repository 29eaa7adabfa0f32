//! Who is asking: bearer tokens with a role and a subject.

mod bearer;
mod cache;
mod caller;
mod issue;
mod role;
mod token;

pub use cache::{BELIEVED_FOR, TokenCache};
pub use caller::Caller;
pub use issue::{issue, issue_customer};
pub use role::Role;
pub use token::{Token, TokenHash};
