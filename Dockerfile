# serve.py in a container, without root; the model is mounted.
#
#   docker build -t weitiao .
#   docker run --rm -p 8000:8000 -v "$PWD/outputs/ner:/model:ro" weitiao
#   docker build -t weitiao-gpu --build-arg BASE=pytorch/pytorch:2.13.0-cuda13.0-cudnn9-runtime .
#   docker run --rm --gpus all -p 8000:8000 -v "$PWD/outputs/ner:/model:ro" weitiao-gpu
#
# TORCH_WHEELS is where pip finds a build of torch, such as the address that pytorch.org gives for CPUs; without it, pip
# takes the build with CUDA, which works on CPUs and is some gigabytes larger. A base that has torch keeps its own.
ARG BASE=python:3.12-slim
FROM ${BASE}
ARG TORCH_WHEELS=""
WORKDIR /weitiao
COPY requirements.txt requirements-serve.txt requirements-onnx.txt ./
RUN if ! python -c "import torch"; then pip install --no-cache-dir "$(grep '^torch==' requirements.txt)" ${TORCH_WHEELS:+--index-url "$TORCH_WHEELS"}; fi \
    && pip install --no-cache-dir -r requirements.txt -r requirements-serve.txt -r requirements-onnx.txt
COPY serve.py predict.py export_onnx.py ./
COPY utils utils
RUN useradd --create-home --uid 1000 weitiao
USER weitiao
ENV HF_HUB_OFFLINE=1
EXPOSE 8000
HEALTHCHECK --start-period=60s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health')"]
ENTRYPOINT ["python", "serve.py", "--host", "0.0.0.0"]
CMD ["/model"]
