"""The project's package: ``knowledge_assistant`` is yours, ``scaffold`` is what it rides on, ``app`` joins the two."""
