// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @dev A tab of the Cashier: `state (8) | endsAt (40) | redeemed (96) | limit (96)`. One word, because a redemption
/// reads all of it and writes it once.
type TabWord is uint256;

using TabWordLib for TabWord global;

/// @dev The life of a tab. A closed tab's ID is dead.
enum TabState {
    None,
    Open,
    Closing,
    Closed
}

/// @title TabWordLib
/// @notice Limit, redemptions, time and state of a tab.
library TabWordLib {
    uint256 private constant REDEEMED_OFFSET = 96;
    uint256 private constant ENDS_OFFSET = 192;
    uint256 private constant STATE_OFFSET = 232;

    /// @notice Time of redemption after an open tab's expiry, seconds.
    uint256 internal constant REDEMPTION = 172_800;

    /// @notice Packs a tab.
    /// @param limit_ Highest cumulative amount, BLOC in wei.
    /// @param redeemed_ Highest redeemed cumulative amount, BLOC in wei.
    /// @param endsAt_ See {endsAt}.
    /// @param state_ The state.
    /// @return The word.
    function pack(
        uint96 limit_,
        uint96 redeemed_,
        uint40 endsAt_,
        TabState state_
    ) internal pure returns (TabWord) {
        return
            TabWord.wrap(
                (uint256(state_) << STATE_OFFSET) |
                    (uint256(endsAt_) << ENDS_OFFSET) |
                    (uint256(redeemed_) << REDEEMED_OFFSET) |
                    limit_
            );
    }

    /// @notice Highest cumulative amount.
    /// @param self The tab.
    /// @return BLOC in wei.
    function limit(TabWord self) internal pure returns (uint96) {
        return uint96(TabWord.unwrap(self));
    }

    /// @notice Highest redeemed cumulative amount.
    /// @param self The tab.
    /// @return BLOC in wei.
    function redeemed(TabWord self) internal pure returns (uint96) {
        return uint96(TabWord.unwrap(self) >> REDEEMED_OFFSET);
    }

    /// @notice Of an open tab the last second of serving, of a closing one that of redemption.
    /// @param self The tab.
    /// @return Unix seconds.
    function endsAt(TabWord self) internal pure returns (uint40) {
        return uint40(TabWord.unwrap(self) >> ENDS_OFFSET);
    }

    /// @notice The state.
    /// @param self The tab.
    /// @return The state.
    function state(TabWord self) internal pure returns (TabState) {
        return TabState(uint8(TabWord.unwrap(self) >> STATE_OFFSET));
    }

    /// @notice Whether vouchers of the tab can be redeemed in time.
    /// @param self The tab.
    /// @return True for an open or closing tab.
    function isLive(TabWord self) internal pure returns (bool) {
        TabState state_ = state(self);
        return state_ == TabState.Open || state_ == TabState.Closing;
    }

    /// @notice Last second of redemption.
    /// @param self The tab.
    /// @return Unix seconds.
    function redeemableUntil(TabWord self) internal pure returns (uint256) {
        uint256 end = endsAt(self);
        return state(self) == TabState.Open ? end + REDEMPTION : end;
    }

    /// @notice The same tab with another redeemed amount.
    /// @param self The tab.
    /// @param redeemed_ BLOC in wei.
    /// @return The new word.
    function withRedeemed(TabWord self, uint96 redeemed_) internal pure returns (TabWord) {
        return pack(limit(self), redeemed_, endsAt(self), state(self));
    }

    /// @notice The same tab in another state.
    /// @param self The tab.
    /// @param endsAt_ See {endsAt}.
    /// @param state_ The state.
    /// @return The new word.
    function withState(
        TabWord self,
        uint40 endsAt_,
        TabState state_
    ) internal pure returns (TabWord) {
        return pack(limit(self), redeemed(self), endsAt_, state_);
    }
}
