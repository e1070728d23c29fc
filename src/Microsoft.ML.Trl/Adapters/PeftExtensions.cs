using Microsoft.ML.Trl.Adapters;
using Microsoft.ML.Trl.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl;

/// <summary>
/// Adapters beside a model in memory, as PEFT has them. The model's own weights never change, and are not trained as long as it has an
/// adapter; without adapters it computes, bit by bit, what it did before.
/// </summary>
public static class PeftExtensions
{
    private const string Usual = "default";

    /// <summary>
    /// Puts a fresh adapter beside a model, on and to be trained. Adapters that are on stay on, but are trained no more.
    /// </summary>
    /// <param name="model">Nothing of it is copied, but for the modules of <see cref="LoraOptions.ModulesToSave"/> and biases.</param>
    /// <param name="options">What it is like.</param>
    /// <param name="name">A name that no other adapter of the model has, without dots.</param>
    /// <param name="seed">The adapter is a function of it.</param>
    /// <exception cref="ArgumentException">
    /// An option is out of range or names no layer, or there is an adapter of that name, or the name cannot be one.
    /// </exception>
    /// <exception cref="InvalidOperationException">Adapters are merged.</exception>
    /// <exception cref="NotSupportedException">Options do not go together, or not with the model or its other adapters.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public static void AddAdapter(this DecoderModel model, LoraOptions options, string name = Usual, int seed = 42)
    {
        ArgumentNullException.ThrowIfNull(options);
        CheckNew(model, name);
        Add(model, LoraMaking.Fresh(model, options.Validated(), name, seed), isTrained: true);
    }

    /// <summary>Puts the adapter of a PEFT folder beside a model, on. Adapters that are on stay on, but are trained no more.</summary>
    /// <param name="model">Nothing of it is copied.</param>
    /// <param name="folder">Holds adapter_config.json and adapter_model.safetensors.</param>
    /// <param name="name">A name that no other adapter of the model has, without dots.</param>
    /// <param name="isTrainable">Whether it is to be trained further.</param>
    /// <exception cref="ArgumentException">The folder has no name, or the adapter's name cannot be one or is taken.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or the adapter was made for another model.</exception>
    /// <exception cref="InvalidOperationException">Adapters are merged.</exception>
    /// <exception cref="NotSupportedException">It is of a kind that is not supported, or does not go with the model's others.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public static void LoadAdapter(this DecoderModel model, string folder, string name = Usual, bool isTrainable = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        CheckNew(model, name);
        Add(model, AdapterFolder.Load(folder, model, name), isTrainable);
    }

    /// <summary>Saves an adapter as PEFT does. What the folder held under the same names is replaced.</summary>
    /// <param name="model">Only read.</param>
    /// <param name="folder">Made when it is not there.</param>
    /// <param name="name">Of the adapter.</param>
    /// <param name="baseModel">
    /// Name or folder of the model without adapters, which PEFT loads; null = the folder that it was read from, if it was.
    /// </param>
    /// <exception cref="ArgumentException">The folder has no name, or there is no such adapter.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public static void SaveAdapter(this DecoderModel model, string folder, string name = Usual, string? baseModel = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        AdapterFolder.Save(folder, model, Named(model, name), baseModel ?? model.Folder);
    }

    /// <summary>The tensors of an adapter under PEFT's names, as they are saved.</summary>
    /// <param name="model">Only read.</param>
    /// <param name="name">Of the adapter.</param>
    /// <returns>
    /// The model owns them, but for those of a <see cref="LoraInitialization.Pissa"/> adapter, which are made in the current scope.
    /// </returns>
    /// <exception cref="ArgumentException">There is no such adapter.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public static IReadOnlyList<(string Name, Tensor Value)> AdapterWeights(this DecoderModel model, string name = Usual) =>
        [.. Named(model, name).Tensors()];

    /// <summary>Names of all adapters, in the order in which they came.</summary>
    /// <param name="model">Only read.</param>
    public static IReadOnlyList<string> AdapterNames(this DecoderModel model) =>
        [.. ModelAdapters.Of(Alive(model))?.All.Select(adapter => adapter.Name) ?? []];

    /// <summary>Names of the adapters that are on.</summary>
    /// <param name="model">Only read.</param>
    public static IReadOnlyList<string> ActiveAdapters(this DecoderModel model) =>
        [.. ModelAdapters.Of(Alive(model))?.All.Where(adapter => adapter.IsOn).Select(adapter => adapter.Name) ?? []];

    /// <summary>Turns some adapters on, and all others off.</summary>
    /// <param name="model">Its weights stay as they are.</param>
    /// <param name="names">Those that are on from here on; none = the model computes by itself.</param>
    /// <exception cref="ArgumentException">There is no such adapter.</exception>
    /// <exception cref="InvalidOperationException">Adapters are merged.</exception>
    /// <exception cref="NotSupportedException">They do not go together: DoRA stands alone beside a layer.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public static void SetAdapters(this DecoderModel model, params IReadOnlyList<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        LoraAdapter[] wanted = [.. names.Select(name => Named(model, name))];
        RequireApart(model);
        RequireCompatible(wanted);
        ModelAdapters.Of(model)?.TurnOn(wanted);
    }

    /// <summary>Lets an adapter be trained, and no other. It is turned on where it is off.</summary>
    /// <param name="model">Its own weights are not trained.</param>
    /// <param name="name">Of the adapter.</param>
    /// <exception cref="ArgumentException">There is no such adapter.</exception>
    /// <exception cref="InvalidOperationException">Adapters are merged.</exception>
    /// <exception cref="NotSupportedException">It does not go together with those that are on.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public static void TrainAdapter(this DecoderModel model, string name = Usual)
    {
        LoraAdapter wanted = Named(model, name);
        RequireApart(model);
        ModelAdapters adapters = ModelAdapters.Of(model)!;
        LoraAdapter[] on = [.. adapters.All.Where(adapter => adapter.IsOn || adapter == wanted)];
        RequireCompatible(on);
        foreach (LoraAdapter adapter in adapters.All)
            adapter.IsTrained = adapter == wanted;
        adapters.TurnOn(on);
    }

    /// <summary>Turns all adapters off until the result is disposed: the model is its own reference meanwhile.</summary>
    /// <param name="model">Its weights stay as they are.</param>
    /// <exception cref="InvalidOperationException">Adapters are merged.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public static IDisposable DisableAdapters(this DecoderModel model)
    {
        IReadOnlyList<string> on = ActiveAdapters(model);
        SetAdapters(model);
        return new Restored(() => SetAdapters(model, on));
    }

    /// <summary>Takes an adapter away and frees it. Without the last one the model's weights can be trained again.</summary>
    /// <param name="model">Its weights stay as they are.</param>
    /// <param name="name">Of the adapter.</param>
    /// <exception cref="ArgumentException">There is no such adapter.</exception>
    /// <exception cref="InvalidOperationException">Adapters are merged.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public static void RemoveAdapter(this DecoderModel model, string name = Usual)
    {
        LoraAdapter adapter = Named(model, name);
        RequireApart(model);
        ModelAdapters.Of(model)!.Remove(adapter);
    }

    /// <summary>
    /// Adds the adapters that are on to the weights, so that they cost no time; training has to wait for <see cref="UnmergeAdapters"/>.
    /// The weights that they change are held twice meanwhile, so that these come back bit by bit.
    /// </summary>
    /// <param name="model">Computes the same, but for rounding.</param>
    /// <exception cref="InvalidOperationException">The model has no adapter, or they are merged.</exception>
    /// <exception cref="NotSupportedException">The weights are quantized.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public static void MergeAdapters(this DecoderModel model)
    {
        ModelAdapters adapters = Any(model);
        RequireApart(model);
        RequireWide(model);
        adapters.Merge();
    }

    /// <summary>Takes back what <see cref="MergeAdapters"/> did.</summary>
    /// <param name="model">Computes the same, but for rounding.</param>
    /// <exception cref="InvalidOperationException">Nothing is merged.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public static void UnmergeAdapters(this DecoderModel model)
    {
        if (ModelAdapters.Of(Alive(model)) is not { IsMerged: true } adapters)
            throw new InvalidOperationException("The model has no merged adapters; call MergeAdapters first.");
        adapters.Unmerge();
    }

    /// <summary>Adds the adapters that are on to the weights for good, and takes all adapters away: a plain model.</summary>
    /// <param name="model">Computes the same, but for rounding. Other models that share its weights keep theirs.</param>
    /// <exception cref="InvalidOperationException">The model has no adapter.</exception>
    /// <exception cref="NotSupportedException">The weights are quantized.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public static void MergeAndUnload(this DecoderModel model)
    {
        ModelAdapters adapters = Any(model);
        RequireWide(model);
        adapters.Keep();
    }

    /// <summary>Puts a fresh adapter beside a model that has none to be trained, where one is asked for.</summary>
    internal static void Require(DecoderModel model, LoraOptions? options, int seed)
    {
        if (options is not null && model.Adapters is not { IsTrained: true })
            AddNamed(model, options, seed);
    }

    /// <summary>Puts a fresh adapter beside a model that may have some already, under a name that is free.</summary>
    internal static void AddNamed(DecoderModel model, LoraOptions options, int seed)
    {
        IReadOnlyList<string> taken = AdapterNames(model);
        string name = Usual;
        for (int number = 2; taken.Contains(name); number++)
            name = FormattableString.Invariant($"{Usual}_{number}");
        AddAdapter(model, options, name, seed);
    }

    private static void Add(DecoderModel model, LoraAdapter adapter, bool isTrained)
    {
        adapter.IsTrained = isTrained;
        try
        {
            RequireCompatible([.. ModelAdapters.Of(model)?.All.Where(other => other.IsOn) ?? [], adapter]);
        }
        catch
        {
            adapter.Discard();
            throw;
        }
        ModelAdapters.For(model).Add(adapter);
    }

    private static void CheckNew(DecoderModel model, string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (name.Contains('.', StringComparison.Ordinal))
            throw new ArgumentException(
                $"name ('{name}') has a dot, which would be a part of the names of weights; leave it out.", nameof(name));
        if (ModelAdapters.Of(Alive(model))?.All.Any(adapter => adapter.Name == name) == true)
            throw new ArgumentException(
                $"The model has an adapter '{name}' already; give another name, or remove that one with RemoveAdapter.", nameof(name));
        RequireApart(model);
    }

    private static LoraAdapter Named(DecoderModel model, string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return ModelAdapters.Named(Alive(model), name);
    }

    private static DecoderModel Alive(DecoderModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        model.Body.ThrowIfDisposed();
        return model;
    }

    private static ModelAdapters Any(DecoderModel model) => ModelAdapters.Of(Alive(model)) ?? throw new InvalidOperationException(
        "The model has no adapter; add one with AddAdapter or LoadAdapter.");

    private static void RequireApart(DecoderModel model)
    {
        if (ModelAdapters.Of(model) is { IsMerged: true })
            throw new InvalidOperationException("The adapters of the model are merged into its weights; call UnmergeAdapters first.");
    }

    private static void RequireWide(DecoderModel model)
    {
        if (ModelAdapters.Of(model)!.All.Any(adapter => adapter.Parts.Any(at => at.Layer is IQuantizedWeight)))
            throw new NotSupportedException(
                "Adapters cannot be merged into quantized weights. Save the adapter (SaveAdapter), load the base without quantization, and "
                + "merge it there (LoadAdapter, MergeAndUnload); or merge a Copy(), whose weights are the rounded ones, widened.");
    }

    private static void RequireCompatible(IReadOnlyCollection<LoraAdapter> together)
    {
        foreach (LoraAdapter alone in together.Where(adapter => adapter.Options.UseDora))
            foreach (LoraAdapter other in together.Where(adapter => adapter != alone))
                if (alone.Parts.Select(at => at.Layer).Intersect(other.Parts.Select(at => at.Layer)).Any())
                    throw new NotSupportedException(
                        $"'{alone.Name}' is a DoRA adapter, beside which '{other.Name}' cannot be on at the same layers; turn one of them "
                        + "off, or merge the other first with MergeAndUnload.");
    }

    private sealed class Restored(Action restore) : IDisposable
    {
        private bool _isDone;

        public void Dispose()
        {
            if (_isDone)
                return;
            _isDone = true;
            restore();
        }
    }
}
