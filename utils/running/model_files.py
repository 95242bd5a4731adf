"""Names of the files that make a trained model: what is uploaded of a run, and what the next run removes."""

import re

WEIGHTS = re.compile(r"(adapter_)?model(-\d+-of-\d+)?\.safetensors")
BESIDE_WEIGHTS = (  # configuration and tokenizer, as a part of a larger expression
    r"(adapter_)?config\.json|generation_config\.json|model\.safetensors\.index\.json"
    r"|tokenizer(_config)?\.json|special_tokens_map\.json|added_tokens\.json|chat_template\.jinja"
    r"|vocab\.(txt|json)|merges\.txt|(spiece|spm|sentencepiece\.bpe|tokenizer)\.model"
)
