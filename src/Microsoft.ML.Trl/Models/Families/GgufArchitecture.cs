using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>How llama.cpp stores a family: its name there, its names of tensors, and what it does to their values.</summary>
internal sealed record GgufArchitecture
{
    public const string Embedding = "token_embd.weight", Output = "output.weight", RopeFactors = "rope_freqs.weight";
    private const string Blocks = "model.layers.", TheirBlocks = "blk.";

    /// <summary>Families in the order of search: of two with one name there, files are read as the first.</summary>
    public static readonly IReadOnlyList<GgufArchitecture> All =
    [
        new() { Name = "llama", ModelType = "llama", TurnsNeighbours = true },
        new() { Name = "llama", ModelType = "mistral", TurnsNeighbours = true },
        new() { Name = "qwen2", ModelType = "qwen2" },
        new() { Name = "gemma", ModelType = "gemma", NormsCountFromOne = true, Activation = "gelu_pytorch_tanh" },
        new() { Name = "phi3", ModelType = "phi3", HasWindows = true, UpName = "mlp.gate_up_proj" },
    ];

    /// <summary>Places of whole modules: ours, theirs.</summary>
    private static readonly (string Ours, string Theirs)[] Outer =
        [("model.embed_tokens", "token_embd"), ("model.norm", "output_norm"), ("lm_head", "output")];

    /// <summary><c>general.architecture</c>.</summary>
    public required string Name { get; init; }

    /// <summary><c>model_type</c> in <c>config.json</c>.</summary>
    public required string ModelType { get; init; }

    /// <summary>
    /// Whether rotary positions turn neighbours there, and so the rows of queries and keys lie in another order: one by one from each half
    /// of a head. Here the halves are turned against each other.
    /// </summary>
    public bool TurnsNeighbours { get; init; }

    /// <summary>Whether weights of norms are stored with the 1 that is added to them.</summary>
    public bool NormsCountFromOne { get; init; }

    /// <summary>Whether llama.cpp knows windows of attention for it.</summary>
    public bool HasWindows { get; init; }

    /// <summary>The one activation that llama.cpp has for it.</summary>
    public string Activation { get; init; } = "silu";

    /// <summary>What is called <c>ffn_up</c> there.</summary>
    private string UpName { get; init; } = "mlp.up_proj";

    private IEnumerable<(string Ours, string Theirs)> Inner =>
    [
        ("input_layernorm", "attn_norm"), ("post_attention_layernorm", "ffn_norm"), ("self_attn.q_proj", "attn_q"),
        ("self_attn.k_proj", "attn_k"), ("self_attn.v_proj", "attn_v"), ("self_attn.qkv_proj", "attn_qkv"),
        ("self_attn.o_proj", "attn_output"), ("mlp.gate_proj", "ffn_gate"), (UpName, "ffn_up"), ("mlp.down_proj", "ffn_down"),
    ];

    /// <exception cref="NotSupportedException">There is none of that name.</exception>
    public static GgufArchitecture Named(string name, string source) =>
        All.FirstOrDefault(architecture => architecture.Name == name) ?? throw new NotSupportedException(
            $"'{source}' holds a model of the architecture '{name}'; read are {Names(architecture => architecture.Name)}. Take the folder "
            + "of the same model from Hugging Face.");

    /// <exception cref="NotSupportedException">The family cannot be written.</exception>
    public static GgufArchitecture Of(ModelConfig config) =>
        All.FirstOrDefault(architecture => architecture.ModelType == config.ModelType) ?? throw new NotSupportedException(
            $"A '{config.ModelType}' model cannot be written as GGUF; {Names(architecture => architecture.ModelType)} can. Save a folder "
            + "and convert it with llama.cpp's convert_hf_to_gguf.py.");

    /// <summary>A tensor's name in Hugging Face's checkpoints; their own name where it is none of the table.</summary>
    public string Ours(string theirs)
    {
        (string place, string kind) = Split(theirs);
        if (place.StartsWith(TheirBlocks, StringComparison.Ordinal) && place.Split('.', 3) is [_, string number, string inner])
            return Inner.FirstOrDefault(pair => pair.Theirs == inner).Ours is { } name ? $"{Blocks}{number}.{name}.{kind}" : theirs;
        return Outer.FirstOrDefault(pair => pair.Theirs == place).Ours is { } outer ? $"{outer}.{kind}" : theirs;
    }

    /// <summary>A tensor's name in llama.cpp.</summary>
    /// <exception cref="NotSupportedException">It has none.</exception>
    public string Theirs(string ours)
    {
        (string place, string kind) = Split(ours);
        string? name = place.StartsWith(Blocks, StringComparison.Ordinal) && place.Split('.', 4) is [_, _, string number, string inner]
            ? Inner.FirstOrDefault(pair => pair.Ours == inner).Theirs is { } found ? $"{TheirBlocks}{number}.{found}.{kind}" : null
            : Outer.FirstOrDefault(pair => pair.Ours == place).Theirs is { } outer ? $"{outer}.{kind}" : null;
        return name ?? throw new NotSupportedException($"GGUF has no place for the tensor '{ours}' of a '{ModelType}' model.");
    }

    /// <summary>What is done to a tensor before it is written; null = nothing.</summary>
    /// <param name="ours">Its name in Hugging Face's checkpoints.</param>
    /// <param name="config">Of the model.</param>
    public Func<Tensor, Tensor>? Writing(string ours, ModelConfig config) =>
        IsNorm(ours) && NormsCountFromOne ? value => value.to_type(ScalarType.Float32) + 1
        : Heads(ours, config) is { } heads ? value => Reordered(value, heads, 2)
        : null;

    /// <summary>What is done to a tensor after it was read; null = nothing.</summary>
    public Func<Tensor, Tensor>? Reading(string ours, ModelConfig config) =>
        IsNorm(ours) && NormsCountFromOne ? value => value - 1
        : Heads(ours, config) is { } heads ? value => Reordered(value, heads, config.HeadSize / 2)
        : null;

    private static Tensor Reordered(Tensor value, int heads, int parts) // [heads * parts * rest, ...]
    {
        long[] shape = value.shape;
        return value.view([heads, parts, shape[0] / heads / parts, .. shape[1..]]).transpose(1, 2).reshape(shape);
    }

    private int? Heads(string ours, ModelConfig config) => !TurnsNeighbours ? null
        : ours.Contains(".q_proj.", StringComparison.Ordinal) ? config.HeadCount
        : ours.Contains(".k_proj.", StringComparison.Ordinal) ? config.KeyValueHeadCount
        : null;

    private static bool IsNorm(string ours) => ours.EndsWith("norm.weight", StringComparison.Ordinal);

    private static (string Place, string Kind) Split(string name) => name.LastIndexOf('.') is > 0 and int dot
        ? (name[..dot], name[(dot + 1)..])
        : (name, "");

    private static string Names(Func<GgufArchitecture, string> name) => string.Join(", ", All.Select(name).Distinct());
}
