namespace Microsoft.ML.Trl;

/// <summary>A network, its tokenizer and how it generates: text in, text out. Owns the network.</summary>
public sealed partial class LanguageModel : IDisposable
{
    private const int RowsAtOnce = 32;

    private readonly Lock _oneAtATime = new();
    private readonly ReferenceCount _uses;

    /// <summary>Puts the parts together.</summary>
    /// <param name="network">Owned from here on; set to evaluation.</param>
    /// <param name="tokenizer">Its tokens must all have a row in the network's embedding.</param>
    /// <param name="generation">Used where a call gives no options; null = the defaults.</param>
    /// <param name="valueHead">The critic that was trained along, kept for further training; owned from here on. Null = none.</param>
    /// <exception cref="ArgumentException">
    /// Tokenizer and network have different vocabularies, the value head has another width, or an option is out of range.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The network was disposed.</exception>
    public LanguageModel(
        CausalLanguageModel network, TextTokenizer tokenizer, GenerationOptions? generation = null, ValueHead? valueHead = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(tokenizer);
        network.Body.ThrowIfDisposed();
        TextCodec.CheckVocabulary(tokenizer, network.Config);
        valueHead?.CheckWidth(network.Config);
        Network = network;
        Tokenizer = tokenizer;
        Generation = (generation ?? new GenerationOptions()).ValidatedForOne("the options that a model keeps");
        Generation.CheckTokens(network.Config.VocabularySize);
        ValueHead = valueHead;
        Codec = new TextCodec(tokenizer, network.Config);
        _uses = new ReferenceCount(nameof(LanguageModel), Free);
        network.SetDropout(null);
        network.eval();
    }

    /// <summary>The network. The language model owns it.</summary>
    public CausalLanguageModel Network { get; }

    /// <summary>Text to tokens and back.</summary>
    public TextTokenizer Tokenizer { get; }

    /// <summary>Texts of prompts and completions to token ids.</summary>
    internal TextCodec Codec { get; }

    /// <summary>How texts are continued unless a call says otherwise.</summary>
    public GenerationOptions Generation { get; }

    /// <summary>The critic of a policy that PPO trained, or null. The language model owns it.</summary>
    public ValueHead? ValueHead { get; private set; }

    /// <summary>
    /// Loads a folder in Hugging Face's layout: config.json, safetensors or pytorch_model.bin, tokenizer files, and the critic if any. Or a
    /// PEFT adapter: then its base is loaded from the folder that it names, and the adapter is put beside it, on and not trained.
    /// </summary>
    /// <param name="folder">Path on this machine.</param>
    /// <param name="device">Where the weights go; null = CPU.</param>
    /// <param name="type">Their type in memory; null = float32.</param>
    /// <param name="quantization">How matrices are held; they are quantized one by one, while they are read.</param>
    /// <returns>The caller owns it.</returns>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">A file is missing; the message names it.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or tensors are missing; the message names them.</exception>
    /// <exception cref="NotSupportedException">
    /// A family or kind of tokenizer that is not read, a PyTorch file that holds more than tensors or is older than PyTorch 1.6, or
    /// quantized weights on a GPU.
    /// </exception>
    /// <exception cref="ArgumentException">
    /// Tokenizer and network have different vocabularies, the folder has no name, the device is not there, or weights cannot have the type.
    /// </exception>
    public static LanguageModel Load(
        string folder, TorchSharp.torch.Device? device = null, TorchSharp.torch.ScalarType? type = null,
        WeightQuantization quantization = WeightQuantization.None)
    {
        if (Directory.Exists(folder) && AdapterFolder.IsOne(folder) && !File.Exists(Path.Combine(folder, HuggingFaceFolder.ConfigFile)))
            return LoadAdapted(folder, device, type, quantization);
        ModelConfig config = HuggingFaceFolder.LoadConfig(folder);
        TextTokenizer tokenizer = TextTokenizer.Load(folder);
        TextCodec.CheckVocabulary(tokenizer, config);
        using ValueHead? head = File.Exists(Path.Combine(folder, HuggingFaceFolder.ValueHeadFile))
            ? HuggingFaceFolder.LoadValueHead(folder, config.OutputSize)
            : null;
        return new LanguageModel(HuggingFaceFolder.LoadModel(folder, device, type, quantization), tokenizer, null, head?.Copy(device));
    }

    /// <summary>
    /// Loads a GGUF file, as llama.cpp uses it: LLaMA, Mistral, Qwen 2, Gemma and Phi-3 in F32, F16, BF16, Q8_0, Q4_0, Q4_K or Q6_K.
    /// Its weights are decoded: unless <paramref name="quantization"/> says otherwise the model is a full one, which can be trained.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="tokenizer">Its tokenizer; null = the file's own, which is read where it is byte-level BPE.</param>
    /// <param name="device">Where the weights go; null = CPU.</param>
    /// <param name="type">Their type in memory; null = float32.</param>
    /// <param name="quantization">How matrices are held; they are quantized one by one, while they are read.</param>
    /// <returns>The caller owns it.</returns>
    /// <exception cref="IOException">There is no such file or folder.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, or tensors are missing; the message names them.</exception>
    /// <exception cref="NotSupportedException">
    /// It holds a family, type of weights or kind of tokenizer that is not read, or weights are quantized on a GPU; the message says what
    /// to do.
    /// </exception>
    /// <exception cref="ArgumentException">
    /// Tokenizer and network have different vocabularies, the path is empty, the device is not there, or weights cannot have the type.
    /// </exception>
    public static LanguageModel LoadGguf(
        string path, TextTokenizer? tokenizer = null, TorchSharp.torch.Device? device = null, TorchSharp.torch.ScalarType? type = null,
        WeightQuantization quantization = WeightQuantization.None)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using GgufFile file = GgufFile.Open(path);
        (ModelConfig config, _) = GgufModel.Config(file);
        tokenizer ??= GgufTokenizer.Read(file.Metadata);
        TextCodec.CheckVocabulary(tokenizer, config);
        return new LanguageModel(GgufModel.Load(file, device, type, quantization), tokenizer);
    }

    /// <summary>Continues one text.</summary>
    /// <param name="prompt">At least one token, shorter than the model's context.</param>
    /// <param name="options">Null = <see cref="Generation"/>.</param>
    /// <param name="cancel">Looked at once per token.</param>
    /// <returns>The new text alone.</returns>
    /// <inheritdoc cref="Complete(IReadOnlyList{string}, GenerationOptions?, CancellationToken)" path="/exception"/>
    public string Complete(string prompt, GenerationOptions? options = null, CancellationToken cancel = default) =>
        Complete([prompt], (options ?? Generation).ValidatedForOne("one prompt"), cancel)[0];

    /// <summary>
    /// Continues texts, in batches. In float32 a text's continuation is a function of the model, the options and that text alone; in
    /// bfloat16 rounding differs with the batch, so it may too.
    /// </summary>
    /// <param name="prompts">Each at least one token, and shorter than the model's context.</param>
    /// <param name="options">Null = <see cref="Generation"/>.</param>
    /// <param name="cancel">Looked at once per token.</param>
    /// <returns>
    /// The new texts, in the order of the prompts; <see cref="GenerationOptions.NumReturnSequences"/> of each, one after another.
    /// </returns>
    /// <exception cref="ArgumentException">A prompt is empty or too long, the message names its row; an option is out of range.</exception>
    /// <exception cref="InvalidOperationException">
    /// The weights are broken: the logits are no numbers. Or the options forbid every token that could come next.
    /// </exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public IReadOnlyList<string> Complete(
        IReadOnlyList<string> prompts, GenerationOptions? options = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        options = (options ?? Generation).Validated();
        int[][] ids = [.. prompts.Select(Tokens)];
        return [.. Answer(ids, [.. prompts.Select(PromptSeed.Of)], options, cancel).Select(answer => answer.Text)];
    }

    /// <summary>
    /// Continues one text and gives it piece by piece, as soon as characters are complete. The pieces together are what
    /// <see cref="Complete(string, GenerationOptions?, CancellationToken)"/> gives. The model works on another thread; it stops, and all it
    /// holds is freed, when the enumeration is left. Every enumeration generates anew.
    /// </summary>
    /// <param name="prompt">At least one token, shorter than the model's context.</param>
    /// <param name="options">Null = <see cref="Generation"/>. One beam, and one sequence.</param>
    /// <param name="cancel">Looked at once per token.</param>
    /// <returns>Pieces of at least one character.</returns>
    /// <exception cref="ArgumentException">The prompt is empty or too long; an option is out of range, or asks for beams.</exception>
    /// <exception cref="InvalidOperationException">
    /// While it is enumerated: the logits are no numbers, or the options forbid every token that could come next.
    /// </exception>
    /// <exception cref="OperationCanceledException">While it is enumerated: it was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">While it is enumerated: the model was disposed.</exception>
    public IAsyncEnumerable<string> StreamAsync(
        string prompt, GenerationOptions? options = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        options = (options ?? Generation).ValidatedForDraws("a stream");
        int[] ids = Tokens(prompt, 0);
        return TextStream.Read(
            Tokenizer,
            (onToken, stop) => Answer([ids], [PromptSeed.Of(prompt)], options, stop, (_, token) => onToken(token)),
            cancel);
    }

    /// <summary>Saves a folder that <see cref="Load"/> and transformers can read.</summary>
    /// <param name="folder">Made when it is not there; files of the same names are replaced.</param>
    /// <exception cref="ArgumentException">The folder has no name.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public void Save(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        using IDisposable use = Use();
        HuggingFaceFolder.Save(folder, Network);
        if (ValueHead is not null)
            HuggingFaceFolder.Save(folder, ValueHead);
        Tokenizer.Save(folder);
    }

    /// <summary>
    /// Saves a GGUF file that llama.cpp and <see cref="LoadGguf"/> can read. Of LLaMA, Mistral, Qwen 2, Gemma and Phi-3 models with a
    /// byte-level or SentencePiece BPE tokenizer; the critic is left out.
    /// </summary>
    /// <param name="path">Where to; the folder must exist. A file of the same name is replaced when the new one is complete.</param>
    /// <param name="type">How matrices are stored; both types round.</param>
    /// <exception cref="ArgumentException">The path is empty, or there is no such type.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="NotSupportedException">llama.cpp has no such model or tokenizer; the message says why.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public void SaveGguf(string path, GgufType type)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        Require.Known(type);
        using IDisposable use = Use();
        GgufModel.Save(path, Network, type, GgufTokenizer.Write(Tokenizer, Network.Config.VocabularySize));
    }

    /// <summary>A second language model that shares nothing but the tokenizer with this one.</summary>
    /// <param name="device">Where its weights go; null = where they are here.</param>
    /// <param name="type">Their type; null = as here.</param>
    /// <param name="quantization">How matrices are held; null = as here. <c>None</c> widens those of a quantized model.</param>
    /// <returns>The caller owns it.</returns>
    /// <exception cref="ArgumentException">The device is not there, or weights cannot have the type.</exception>
    /// <exception cref="NotSupportedException">Weights are quantized on a GPU.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    /// <remarks>Adapters that are on are merged into the copy.</remarks>
    public LanguageModel Copy(
        TorchSharp.torch.Device? device = null, TorchSharp.torch.ScalarType? type = null, WeightQuantization? quantization = null)
    {
        using IDisposable use = Use();
        WeightQuantization held = quantization ?? Network.Quantization;
        QuantizedWeights.Check(device ?? Network.Device, held);
        CausalLanguageModel network = Network.Made(weights => QuantizedWeights.Of(weights, held), device, type);
        return new(network, Tokenizer, Generation, ValueHead?.Copy(device));
    }

    /// <summary>The same parts with other generation options; owns them in this one's stead.</summary>
    internal LanguageModel With(GenerationOptions generation) => new(Network, Tokenizer, generation, ValueHead);

    /// <summary>Puts a critic in the place of the one there is, which is disposed.</summary>
    /// <param name="critic">Owned from here on; null = none.</param>
    internal void ReplaceCritic(ValueHead? critic)
    {
        ValueHead?.Dispose();
        ValueHead = critic;
    }

    /// <summary>Keeps the model alive until the result is disposed, even where another thread disposes the model.</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    internal IDisposable Use() => _uses.Enter();

    /// <summary>Frees the weights, as soon as no call that has begun uses them any more.</summary>
    public void Dispose() => _uses.Dispose();

    /// <summary>Tokens of a prompt that can be answered; messages name its row.</summary>
    internal int[] Tokens(string prompt, int row)
    {
        if (prompt is null)
            throw new ArgumentException($"Prompt {row} is null; give a text.", nameof(prompt));
        int[] ids = Codec.Prompt(prompt);
        return Codec.Unanswerable(ids) is { } reason ? throw new ArgumentException($"Row {row}: {reason}", nameof(prompt)) : ids;
    }

    private void Free()
    {
        Network.Dispose();
        ValueHead?.Dispose();
    }

    /// <summary>Answers prompts that are tokens already, each as often as the options say.</summary>
    /// <param name="prompts">Each at least one token and shorter than the context.</param>
    /// <param name="seeds">One number per prompt, of <see cref="PromptSeed"/>.</param>
    /// <param name="options">How they are continued.</param>
    /// <param name="cancel">Looked at once per token.</param>
    /// <param name="onToken">Called with row and token as soon as one is chosen; null for nobody. For a single batch.</param>
    internal IReadOnlyList<Answer> Answer(
        IReadOnlyList<int[]> prompts, IReadOnlyList<long> seeds, GenerationOptions options, CancellationToken cancel,
        Action<int, int>? onToken = null)
    {
        using IDisposable use = Use();
        Func<IReadOnlyList<int>, bool> stop = StopRule(options);
        IReadOnlyList<int> ends = options.EosTokenIds ?? Network.Config.EosTokenIds;
        var answers = new List<Answer>(prompts.Count);
        int atOnce = Math.Max(1, RowsAtOnce / Math.Max(options.NumBeams, options.NumReturnSequences));
        for (int start = 0; start < prompts.Count; start += atOnce)
        {
            int[][] batch = [.. prompts.Skip(start).Take(atOnce)];
            long[] batchSeeds = [.. seeds.Skip(start).Take(atOnce)];
            lock (_oneAtATime)
            {
                var generator = new TokenGenerator(Network) { Tokenizer = Tokenizer };
                GenerationResult result = generator.Generate(batch, options, batchSeeds, stop, onToken, cancel);
                answers.AddRange(result.Tokens.Select((tokens, row) => new Answer(
                    batch[row / options.NumReturnSequences], tokens, Tokenizer.DecodeCompletion(tokens),
                    tokens.Length > 0 && ends.Contains(tokens[^1]))));
            }
        }
        return answers;
    }

    /// <summary>Tells from an answer's tokens whether it has reached a stop string.</summary>
    internal Func<IReadOnlyList<int>, bool> StopRule(GenerationOptions options) =>
        new StopStrings(options.StopStrings, tokens => Tokenizer.Decode(tokens)).IsReached;
}
