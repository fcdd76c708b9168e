"""Answers worth naming: what `make render` makes and what the long tests install and run."""

PRESETS: dict[str, dict[str, str]] = {
    "default": {},
    "minimal": {"ci": "none", "deployment": "none", "license": "MIT"},
    "openai": {"model_provider": "openai", "data_classification": "public", "license": "Apache-2.0"},
    "gateway": {"model_provider": "openai-compatible", "data_classification": "restricted", "deployment": "none"},
    "azure": {"model_provider": "azure-openai", "data_classification": "confidential"},
    "ollama": {"model_provider": "ollama", "data_classification": "confidential", "ci": "none"},
}
