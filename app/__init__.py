"""napvi: PayOS payments into user wallets, shown in the payer's browser as they arrive."""
