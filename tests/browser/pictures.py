"""Pictures for the documents, renewed when NAPVI_SCREENSHOTS=1 asks for it."""

import os
from pathlib import Path

from playwright.async_api import Page

IMAGES = Path(__file__).parents[2] / "docs" / "images"
PHONE_HEIGHT = 640
"""Of a phone, what shows a state."""


async def picture(page: Page, name: str, height: int | None = None) -> None:
    """What `page` shows, or its upper `height` pixels."""
    if os.environ.get("NAPVI_SCREENSHOTS") != "1":
        return
    assert page.viewport_size is not None
    width, full = page.viewport_size["width"], page.viewport_size["height"]
    await page.mouse.move(0, 0)
    await page.evaluate("scrollTo(0, 0)")
    await page.screenshot(
        path=IMAGES / f"{name}.png",
        animations="disabled",
        clip={"x": 0, "y": 0, "width": width, "height": height or full},
    )
