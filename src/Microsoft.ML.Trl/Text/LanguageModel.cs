namespace Microsoft.ML.Trl;

/// <summary>A network, its tokenizer and how it generates: text in, text out. Owns the network.</summary>
public sealed class LanguageModel : IDisposable
{
    private const int RowsAtOnce = 32;

    private readonly Lock _oneAtATime = new();

    /// <summary>Puts the parts together.</summary>
    /// <param name="network">Owned from here on; set to evaluation.</param>
    /// <param name="tokenizer">Its tokens must all have a row in the network's embedding.</param>
    /// <param name="generation">Used where a call gives no options; null = the defaults.</param>
    /// <param name="valueHead">The critic that was trained along, kept for further training; owned from here on. Null = none.</param>
    /// <exception cref="ArgumentException">Tokenizer and network have different vocabularies, or an option is out of range.</exception>
    public LanguageModel(
        CausalLanguageModel network, TextTokenizer tokenizer, GenerationOptions? generation = null, ValueHead? valueHead = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(tokenizer);
        TextCodec.CheckVocabulary(tokenizer, network.Config);
        Network = network;
        Tokenizer = tokenizer;
        Generation = (generation ?? new GenerationOptions()).Validated();
        ValueHead = valueHead;
        Codec = new TextCodec(tokenizer, network.Config);
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

    /// <summary>Loads a folder in Hugging Face's layout: config.json, safetensors, tokenizer files, and the critic where one is.</summary>
    /// <param name="folder">Path on this machine.</param>
    /// <param name="device">Where the weights go; null = CPU.</param>
    /// <param name="type">Their type in memory; null = float32.</param>
    /// <returns>The caller owns it.</returns>
    /// <exception cref="FileNotFoundException">A file is missing; the message names it.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or tensors are missing; the message names them.</exception>
    /// <exception cref="ArgumentException">Tokenizer and network have different vocabularies.</exception>
    public static LanguageModel Load(string folder, TorchSharp.torch.Device? device = null, TorchSharp.torch.ScalarType? type = null)
    {
        ModelConfig config = HuggingFaceFolder.LoadConfig(folder);
        TextTokenizer tokenizer = TextTokenizer.Load(folder);
        TextCodec.CheckVocabulary(tokenizer, config);
        using ValueHead? head = File.Exists(Path.Combine(folder, HuggingFaceFolder.ValueHeadFile))
            ? HuggingFaceFolder.LoadValueHead(folder, config.HiddenSize)
            : null;
        return new LanguageModel(HuggingFaceFolder.LoadModel(folder, device, type), tokenizer, null, head?.Copy(device));
    }

    /// <summary>Continues one text.</summary>
    /// <param name="prompt">Not empty, shorter than the model's context.</param>
    /// <param name="options">Null = <see cref="Generation"/>.</param>
    /// <param name="cancel">Looked at once per token.</param>
    /// <returns>The new text alone.</returns>
    public string Complete(string prompt, GenerationOptions? options = null, CancellationToken cancel = default) =>
        Complete([prompt], options, cancel)[0];

    /// <summary>Continues texts, in batches. A text's continuation is a function of the model, the options and that text alone.</summary>
    /// <param name="prompts">Not empty, each shorter than the model's context.</param>
    /// <param name="options">Null = <see cref="Generation"/>.</param>
    /// <param name="cancel">Looked at once per token.</param>
    /// <returns>The new texts, in the order of the prompts.</returns>
    /// <exception cref="ArgumentException">A prompt is empty or too long; the message names its row.</exception>
    public IReadOnlyList<string> Complete(
        IReadOnlyList<string> prompts, GenerationOptions? options = null, CancellationToken cancel = default) =>
        Complete(prompts, 0, options ?? Generation, cancel);

    /// <summary>Saves a folder that <see cref="Load"/> and transformers can read.</summary>
    /// <param name="folder">Made when it is not there; files of the same names are replaced.</param>
    public void Save(string folder)
    {
        HuggingFaceFolder.Save(folder, Network);
        if (ValueHead is not null)
            HuggingFaceFolder.Save(folder, ValueHead);
        Tokenizer.Save(folder);
    }

    /// <summary>A second language model that shares nothing but the tokenizer with this one.</summary>
    /// <param name="device">Where its weights go; null = where they are here.</param>
    /// <param name="type">Their type; null = as here.</param>
    /// <returns>The caller owns it.</returns>
    public LanguageModel Copy(TorchSharp.torch.Device? device = null, TorchSharp.torch.ScalarType? type = null) =>
        new(Network.Copy(device, type), Tokenizer, Generation, ValueHead?.Copy(device));

    /// <summary>The same parts with other generation options; owns them in this one's stead.</summary>
    internal LanguageModel With(GenerationOptions generation) => new(Network, Tokenizer, generation, ValueHead);

    /// <summary>Puts a critic in the place of the one there is, which is disposed.</summary>
    /// <param name="critic">Owned from here on; null = none.</param>
    internal void ReplaceCritic(ValueHead? critic)
    {
        ValueHead?.Dispose();
        ValueHead = critic;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Network.Dispose();
        ValueHead?.Dispose();
    }

    /// <summary>As the public one; messages count rows from <paramref name="firstRow"/>.</summary>
    internal string[] Complete(IReadOnlyList<string> prompts, long firstRow, GenerationOptions options, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        int[][] ids = [.. prompts.Select((prompt, row) => Codec.Prompt(prompt, firstRow + row, Codec.ContextLength))];
        long[] seeds = [.. prompts.Select(PromptSeed.Of)];
        var stops = new StopStrings(options.StopStrings, tokens => Tokenizer.Decode(tokens));
        var texts = new List<string>(prompts.Count);
        for (int start = 0; start < ids.Length; start += RowsAtOnce)
        {
            int end = Math.Min(ids.Length, start + RowsAtOnce);
            lock (_oneAtATime)
            {
                var generator = new TokenGenerator(Network);
                GenerationResult result = generator.Generate(ids[start..end], options, seeds[start..end], stops.IsReached, cancel: cancel);
                texts.AddRange(result.Tokens.Select(tokens => Tokenizer.DecodeCompletion(tokens)));
            }
        }
        return [.. texts];
    }
}
